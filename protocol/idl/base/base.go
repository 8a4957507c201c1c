// Package base has the scalars that replace a struct on the wire: the generated code
// reads and writes a field of theirs as a struct, their Read and Write do what upstream
// does instead. A nil pointer is written, compared and printed as the zero value.
package base

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/a8011091/pegasus-reference/protocol"
)

// GoUnusedProtection__ is referred to by the generated code of every file that includes
// base.thrift.
const GoUnusedProtection__ = 0

// Blob is a byte string: i32 length, bytes.
type Blob struct{ Data []byte }

// NewBlob returns a Blob that shares data.
func NewBlob(data []byte) *Blob { return &Blob{Data: data} }

// Bytes returns the content, nil for a nil Blob.
func (b *Blob) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.Data
}

// Read implements thrift.TStruct.
func (b *Blob) Read(ctx context.Context, p thrift.TProtocol) error {
	data, err := p.ReadBinary(ctx)
	if err != nil {
		return thrift.PrependError("read blob: ", err)
	}
	b.Data = data
	return nil
}

// Write implements thrift.TStruct.
func (b *Blob) Write(ctx context.Context, p thrift.TProtocol) error {
	return p.WriteBinary(ctx, b.Bytes())
}

// Equals compares contents.
func (b *Blob) Equals(other *Blob) bool { return bytes.Equal(b.Bytes(), other.Bytes()) }

// String gives the length only: contents are keys, values and tokens.
func (b *Blob) String() string { return fmt.Sprintf("blob of %d bytes", len(b.Bytes())) }

// ErrorCode is an rpc-level error inside a body: a string, its name.
type ErrorCode struct{ Name string }

// NewErrorCode returns the ErrorCode of a known code.
func NewErrorCode(code protocol.ErrorCode) *ErrorCode { return &ErrorCode{Name: code.String()} }

// Code returns the known code of the name, CodeUnknown if there is none.
func (e *ErrorCode) Code() protocol.ErrorCode {
	if e == nil {
		return protocol.CodeUnknown
	}
	return protocol.ErrorCodeByName(e.Name)
}

// Read implements thrift.TStruct.
func (e *ErrorCode) Read(ctx context.Context, p thrift.TProtocol) error {
	name, err := p.ReadString(ctx)
	if err != nil {
		return thrift.PrependError("read error_code: ", err)
	}
	e.Name = name
	return nil
}

// Write implements thrift.TStruct.
func (e *ErrorCode) Write(ctx context.Context, p thrift.TProtocol) error {
	return p.WriteString(ctx, e.String())
}

// Equals compares names.
func (e *ErrorCode) Equals(other *ErrorCode) bool { return e.String() == other.String() }

// String returns the name; ERR_UNKNOWN where there is none.
func (e *ErrorCode) String() string {
	if e == nil || e.Name == "" {
		return protocol.CodeUnknownError.String()
	}
	return e.Name
}

// Gpid names a partition of a table: one i64.
type Gpid struct{ protocol.GPID }

func (g *Gpid) id() protocol.GPID {
	if g == nil {
		return protocol.GPID{}
	}
	return g.GPID
}

// Read implements thrift.TStruct.
func (g *Gpid) Read(ctx context.Context, p thrift.TProtocol) error {
	v, err := p.ReadI64(ctx)
	if err != nil {
		return thrift.PrependError("read gpid: ", err)
	}
	g.GPID = protocol.UnpackGPID(v)
	return nil
}

// Write implements thrift.TStruct.
func (g *Gpid) Write(ctx context.Context, p thrift.TProtocol) error {
	return p.WriteI64(ctx, g.id().Pack())
}

// Equals compares ids.
func (g *Gpid) Equals(other *Gpid) bool { return g.id() == other.id() }

// String returns table and partition, separated by a point.
func (g *Gpid) String() string { return fmt.Sprintf("%d.%d", g.id().AppID, g.id().Index) }

// RPCAddress is the address of a node: one i64. The zero AddrPort is "none".
type RPCAddress struct{ netip.AddrPort }

// NewRPCAddress returns the RPCAddress of an IPv4 address.
func NewRPCAddress(a netip.AddrPort) *RPCAddress { return &RPCAddress{AddrPort: a} }

func (a *RPCAddress) address() netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	return a.AddrPort
}

// Read implements thrift.TStruct. It refuses kinds of address that cannot be dialled.
func (a *RPCAddress) Read(ctx context.Context, p thrift.TProtocol) error {
	v, err := p.ReadI64(ctx)
	if err != nil {
		return thrift.PrependError("read rpc_address: ", err)
	}
	addr, ok := protocol.UnpackAddress(v)
	if !ok {
		return thrift.NewTProtocolExceptionWithType(thrift.INVALID_DATA,
			fmt.Errorf("read rpc_address: kind %d is neither invalid nor IPv4", uint16(v)))
	}
	a.AddrPort = addr
	return nil
}

// Write implements thrift.TStruct.
func (a *RPCAddress) Write(ctx context.Context, p thrift.TProtocol) error {
	return p.WriteI64(ctx, protocol.PackAddress(a.address()))
}

// Equals compares addresses.
func (a *RPCAddress) Equals(other *RPCAddress) bool { return a.address() == other.address() }

// String returns address and port.
func (a *RPCAddress) String() string {
	if !a.address().IsValid() {
		return "no address"
	}
	return a.address().String()
}

// Kinds of a HostPort.
const (
	HostInvalid int8 = 0
	HostIPv4    int8 = 1
	HostGroup   int8 = 2
)

// HostPort is a node by name: string host, i16 port, byte kind. Ports above 32,767 are
// negative on the wire.
type HostPort struct {
	Host string
	Port uint16
	Kind int8
}

// NewHostPort returns the HostPort of an IPv4 address, by its text.
func NewHostPort(a netip.AddrPort) *HostPort {
	ip := a.Addr().Unmap()
	if !ip.Is4() {
		return &HostPort{}
	}
	return &HostPort{Host: ip.String(), Port: a.Port(), Kind: HostIPv4}
}

func (h *HostPort) value() HostPort {
	if h == nil {
		return HostPort{}
	}
	return *h
}

// Read implements thrift.TStruct.
func (h *HostPort) Read(ctx context.Context, p thrift.TProtocol) error {
	host, err := p.ReadString(ctx)
	if err != nil {
		return thrift.PrependError("read host of host_port: ", err)
	}
	port, err := p.ReadI16(ctx)
	if err != nil {
		return thrift.PrependError("read port of host_port: ", err)
	}
	kind, err := p.ReadByte(ctx)
	if err != nil {
		return thrift.PrependError("read kind of host_port: ", err)
	}
	*h = HostPort{Host: host, Port: uint16(port), Kind: kind}
	return nil
}

// Write implements thrift.TStruct.
func (h *HostPort) Write(ctx context.Context, p thrift.TProtocol) error {
	v := h.value()
	if err := p.WriteString(ctx, v.Host); err != nil {
		return thrift.PrependError("write host of host_port: ", err)
	}
	if err := p.WriteI16(ctx, int16(v.Port)); err != nil {
		return thrift.PrependError("write port of host_port: ", err)
	}
	return p.WriteByte(ctx, v.Kind)
}

// Equals compares all three parts.
func (h *HostPort) Equals(other *HostPort) bool { return h.value() == other.value() }

// String returns host and port.
func (h *HostPort) String() string { return fmt.Sprintf("%s:%d", h.value().Host, h.value().Port) }

// TaskCode names an RPC inside a body: a string.
type TaskCode struct{ Name string }

func (t *TaskCode) name() string {
	if t == nil {
		return ""
	}
	return t.Name
}

// Read implements thrift.TStruct.
func (t *TaskCode) Read(ctx context.Context, p thrift.TProtocol) error {
	name, err := p.ReadString(ctx)
	if err != nil {
		return thrift.PrependError("read task_code: ", err)
	}
	t.Name = name
	return nil
}

// Write implements thrift.TStruct.
func (t *TaskCode) Write(ctx context.Context, p thrift.TProtocol) error {
	return p.WriteString(ctx, t.name())
}

// Equals compares names.
func (t *TaskCode) Equals(other *TaskCode) bool { return t.name() == other.name() }

// String returns the name.
func (t *TaskCode) String() string { return t.name() }
