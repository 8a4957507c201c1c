// Every call of every service: round trips, shapes, limits.

package idl_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/admin"
	"github.com/a8011091/pegasus-reference/protocol/idl/base"
	"github.com/a8011091/pegasus-reference/protocol/idl/command"
	"github.com/a8011091/pegasus-reference/protocol/idl/replication"
	"github.com/a8011091/pegasus-reference/protocol/idl/rrdb"
	"github.com/a8011091/pegasus-reference/protocol/idl/security"
)

// bodies has one of every args and result struct, in a fixed order.
var bodies = []thrift.TStruct{
	&replication.RequestMeta{},
	&replication.MetaQueryCfgArgs{}, &replication.MetaQueryCfgResult{},
	&security.SecurityNegotiateArgs{}, &security.SecurityNegotiateResult{},
	&rrdb.RrdbGetArgs{}, &rrdb.RrdbGetResult{},
	&rrdb.RrdbTTLArgs{}, &rrdb.RrdbTTLResult{},
	&rrdb.RrdbMultiGetArgs{}, &rrdb.RrdbMultiGetResult{},
	&rrdb.RrdbBatchGetArgs{}, &rrdb.RrdbBatchGetResult{},
	&rrdb.RrdbSortkeyCountArgs{}, &rrdb.RrdbSortkeyCountResult{},
	&rrdb.RrdbGetScannerArgs{}, &rrdb.RrdbGetScannerResult{},
	&rrdb.RrdbScanArgs{}, &rrdb.RrdbScanResult{},
	&rrdb.RrdbClearScannerArgs{},
	&rrdb.RrdbPutArgs{}, &rrdb.RrdbPutResult{},
	&rrdb.RrdbRemoveArgs{}, &rrdb.RrdbRemoveResult{},
	&rrdb.RrdbMultiPutArgs{}, &rrdb.RrdbMultiPutResult{},
	&rrdb.RrdbMultiRemoveArgs{}, &rrdb.RrdbMultiRemoveResult{},
	&rrdb.RrdbIncrArgs{}, &rrdb.RrdbIncrResult{},
	&rrdb.RrdbCheckAndSetArgs{}, &rrdb.RrdbCheckAndSetResult{},
	&rrdb.RrdbCheckAndMutateArgs{}, &rrdb.RrdbCheckAndMutateResult{},
	&admin.AdminClientCreateAppArgs{}, &admin.AdminClientCreateAppResult{},
	&admin.AdminClientDropAppArgs{}, &admin.AdminClientDropAppResult{},
	&admin.AdminClientRecallAppArgs{}, &admin.AdminClientRecallAppResult{},
	&admin.AdminClientListAppsArgs{}, &admin.AdminClientListAppsResult{},
	&admin.AdminClientListNodesArgs{}, &admin.AdminClientListNodesResult{},
	&admin.AdminClientQueryClusterInfoArgs{}, &admin.AdminClientQueryClusterInfoResult{},
	&admin.AdminClientUpdateAppEnvArgs{}, &admin.AdminClientUpdateAppEnvResult{},
	&command.RemoteCommandCallCommandArgs{}, &command.RemoteCommandCallCommandResult{},
}

// fresh returns a new struct of prototype's type.
func fresh(prototype thrift.TStruct) thrift.TStruct {
	return reflect.New(reflect.TypeOf(prototype).Elem()).Interface().(thrift.TStruct)
}

// fill sets every field below v to something drawn.
func fill(t *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		switch scalar := v.Interface().(type) {
		case *base.RPCAddress:
			scalar.AddrPort, _ = protocol.UnpackAddress(rapid.Int64().Draw(t, name)&^0xffff | 1)
		case *base.ErrorCode:
			scalar.Name = "ERR_" + rapid.StringMatching("[A-Z_]{1,9}").Draw(t, name)
		default:
			fill(t, v.Elem(), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, name)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range rapid.IntRange(0, 1).Draw(t, name) { // more than one would be written in any order
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint("key", i)), reflect.ValueOf(rapid.String().Draw(t, name)))
		}
	case reflect.String:
		v.SetString(rapid.StringMatching("[ -~]{0,12}").Draw(t, name))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Uint8, reflect.Uint16:
		v.SetUint(rapid.Uint64Range(0, 1<<v.Type().Bits()-1).Draw(t, name))
	case reflect.Int8, reflect.Int32, reflect.Int64:
		bits := v.Type().Bits()
		if v.Type().PkgPath() != "" {
			bits = 32 // enums: 64 bits in Go, 32 on the wire
		}
		limit := int64(1)<<(bits-1) - 1
		v.SetInt(rapid.Int64Range(-limit-1, limit).Draw(t, name))
	default:
		t.Fatalf("%s: a %v is not filled", name, v.Kind())
	}
}

func TestEveryBodyRoundTrips(t *testing.T) {
	for _, prototype := range bodies {
		t.Run(fmt.Sprintf("%T", prototype)[1:], func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := fresh(prototype)
				fill(t, reflect.ValueOf(want).Elem(), "")
				body, err := idl.Marshal(want)
				require.NoError(t, err)
				got := fresh(prototype)
				require.NoError(t, idl.Unmarshal(body, got, protocol.DefaultLimits()))
				assert.Empty(t, cmp.Diff(want, got, cmpopts.EquateComparable(base.RPCAddress{}), cmpopts.EquateEmpty()))
				assert.ErrorIs(t, idl.Unmarshal(append(body, 0), fresh(prototype), protocol.DefaultLimits()), protocol.BodyTrailing)
				cut := rapid.IntRange(0, len(body)-1).Draw(t, "cut")
				assert.ErrorIs(t, idl.Unmarshal(body[:cut], fresh(prototype), protocol.DefaultLimits()), protocol.BodyMalformed)
			})
		})
	}
}

// shape writes the field numbers and types of a struct, as the wire has them.
func shape(b *strings.Builder, typ reflect.Type, indent string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, number, _ := strings.Cut(field.Tag.Get("thrift"), ",")
		optional := ""
		if field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() != reflect.Struct {
			optional = " optional"
		}
		fmt.Fprintf(b, "%s%s%s %s %s\n", indent, number, optional, name, typeName(field.Type))
		if inner := structBelow(field.Type); inner != nil {
			shape(b, inner, indent+"  ")
		}
	}
}

func typeName(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Pointer:
		return typeName(typ.Elem())
	case reflect.Slice:
		return "list<" + typeName(typ.Elem()) + ">"
	case reflect.Map:
		return "map<" + typeName(typ.Key()) + "," + typeName(typ.Elem()) + ">"
	case reflect.Struct:
		return typ.String()
	}
	if typ.PkgPath() != "" {
		return "enum " + typ.String()
	}
	return typ.String()
}

// structBelow is the struct that a field holds or lists, nil for scalars.
func structBelow(typ reflect.Type) reflect.Type {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || strings.HasSuffix(typ.PkgPath(), "/base") {
		return nil
	}
	return typ
}

// TestShapes pins field numbers and types: the whole wire format of the catalogue.
func TestShapes(t *testing.T) {
	datadriven.RunTest(t, "testdata/shapes", func(t *testing.T, d *datadriven.TestData) string {
		for _, prototype := range bodies {
			if fmt.Sprintf("%T", prototype)[1:] == d.CmdArgs[0].Key {
				var b strings.Builder
				shape(&b, reflect.TypeOf(prototype).Elem(), "")
				return b.String()
			}
		}
		d.Fatalf(t, "no body is called %s", d.CmdArgs[0].Key)
		return ""
	})
}

func TestNilFieldsAreWrittenAsZero(t *testing.T) {
	for _, c := range []struct{ absent, zero thrift.TStruct }{
		{&rrdb.RrdbPutArgs{Update: &rrdb.UpdateRequest{}}, &rrdb.RrdbPutArgs{Update: &rrdb.UpdateRequest{Key: &base.Blob{}, Value: &base.Blob{}}}},
		{
			&replication.MetaQueryCfgResult{Success: &replication.QueryCfgResponse{Partitions: []*replication.PartitionConfiguration{{}}}},
			&replication.MetaQueryCfgResult{Success: &replication.QueryCfgResponse{
				Err:        base.NewErrorCode(protocol.CodeUnknownError),
				Partitions: []*replication.PartitionConfiguration{{Pid: &base.Gpid{}, Primary: &base.RPCAddress{}}},
			}},
		},
	} {
		absent, err := idl.Marshal(c.absent)
		require.NoError(t, err)
		zero, err := idl.Marshal(c.zero)
		require.NoError(t, err)
		assert.Equal(t, zero, absent)
	}
}

func TestAppendStructAppends(t *testing.T) {
	dst := append(make([]byte, 0, 64), "before"...)
	got, err := idl.AppendStruct(dst, &rrdb.RrdbGetArgs{Key: base.NewBlob([]byte("k"))})
	require.NoError(t, err)
	assert.Equal(t, append([]byte("before"), protocol.AppendKeyArgs(nil, []byte("k"))...), got)
}

func TestUnmarshalLimits(t *testing.T) {
	body, err := idl.Marshal(&rrdb.RrdbGetArgs{Key: base.NewBlob(make([]byte, 100))})
	require.NoError(t, err)
	require.NoError(t, idl.Unmarshal(body, &rrdb.RrdbGetArgs{}, protocol.Limits{MaxFrameBytes: len(body)}))
	err = idl.Unmarshal(body, &rrdb.RrdbGetArgs{}, protocol.Limits{MaxFrameBytes: len(body) - 1})
	assert.ErrorIs(t, err, protocol.BodyTooLarge)
	var berr *protocol.BodyError
	require.ErrorAs(t, err, &berr)
	assert.Contains(t, berr.What, "RrdbGetArgs")

	claims := []byte{12, 0, 1, 15, 0, 2, 12, 0x7f, 0xff, 0xff, 0xff, 0, 0}
	err = idl.Unmarshal(claims, &rrdb.RrdbMultiPutArgs{}, protocol.Limits{})
	assert.ErrorIs(t, err, protocol.BodyMalformed)
	var terr thrift.TProtocolException
	assert.ErrorAs(t, err, &terr, "the library's reason is kept")

	var many []byte
	many = append(many, 12, 0, 1, 15, 0, 2, 12, 0, 2, 0, 1) // 131,073 elements, each of one byte
	many = append(many, make([]byte, 1<<17+1+2)...)
	err = idl.Unmarshal(many, &rrdb.RrdbMultiPutArgs{}, protocol.DefaultLimits())
	assert.ErrorIs(t, err, protocol.BodyMalformed, "more elements than one list may have")
}

func FuzzUnmarshal(f *testing.F) {
	for i, prototype := range bodies {
		body, err := idl.Marshal(prototype)
		require.NoError(f, err)
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		prototype := bodies[int(which)%len(bodies)]
		once := fresh(prototype)
		if err := idl.Unmarshal(body, once, protocol.Limits{MaxFrameBytes: 1 << 16}); err != nil {
			var berr *protocol.BodyError
			require.ErrorAs(t, err, &berr)
			return
		}
		again, err := idl.Marshal(once)
		require.NoError(t, err)
		require.NoError(t, idl.Unmarshal(again, fresh(prototype), protocol.DefaultLimits()))
	})
}

// TestGeneratorRefusesAnotherCompiler: its output would differ in every file.
func TestGeneratorRefusesAnotherCompiler(t *testing.T) {
	for name, script := range map[string]string{
		"another version": "#!/bin/sh\necho Thrift version 0.16.0\n",
		"no compiler":     "#!/bin/sh\nexit 127\n",
	} {
		t.Run(name, func(t *testing.T) {
			fake := filepath.Join(t.TempDir(), "thrift")
			require.NoError(t, os.WriteFile(fake, []byte(script), 0o700))
			cmd := exec.Command("./generate.sh", "-check")
			cmd.Env = append(os.Environ(), "THRIFT="+fake)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "%s", out)
			assert.Equal(t, 1, exit.ExitCode())
			assert.Contains(t, string(out), "0.17.0")
		})
	}
}
