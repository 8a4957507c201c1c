// Who may do what, as data. Everything here compares the whole principal that the mechanism
// proved, name/host@REALM, but for SuperUsers.

package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Operation is a kind of request, as far as access is concerned.
type Operation uint8

// Operations.
const (
	OperationQuery Operation = iota // query_cfg, which routes every client
	OperationRead                   // of rows
	OperationWrite                  // of rows
	OperationAdmin                  // every other request: tables, nodes, remote commands

	operationCount
)

// NumOperation is the length of a table indexed by Operation.
const NumOperation = int(operationCount)

// operationNames is indexed by Operation; nothing writes it.
var operationNames = [operationCount]string{"query", "read", "write", "admin"}

// String returns the operation's name.
func (o Operation) String() string {
	if o >= operationCount {
		return "unknown operation"
	}
	return operationNames[o]
}

// OperationOf is the kind of a request.
func OperationOf(rpc protocol.RPC) Operation {
	switch {
	case rpc == protocol.RPCQueryConfig:
		return OperationQuery
	case rpc.IsRead():
		return OperationRead
	case rpc.IsWrite():
		return OperationWrite
	}
	return OperationAdmin
}

// Access says who may authenticate, and who may do what then. It needs authentication:
// without, nobody is known, and everybody may do everything.
type Access struct {
	// Allowed may authenticate; the negotiation of anybody else fails. Empty: whoever the
	// mechanism has proved to be somebody.
	Allowed []Pattern
	// May has, by Operation, who may do it. An empty row leaves the operation to everybody
	// whom the gate lets through; of OperationAdmin it leaves it to nobody but SuperUsers.
	May [NumOperation][]Pattern
	// SuperUsers may do everything, once they have authenticated. They are compared as
	// upstream compares its super_users: with the principal cut at the last '@' and then
	// at the first '/', so that every realm and every host of a name is meant. Prefer May.
	SuperUsers []string
}

// permissions is a set of operations.
type permissions uint8

const allPermissions = permissions(1<<operationCount - 1)

func (p permissions) have(o Operation) bool { return p&(1<<o) != 0 }

// permit returns what a principal may do; the empty principal is nobody in particular.
func (a *Access) permit(auth Auth, principal string) permissions {
	if !auth.Enabled || principal != "" && slices.Contains(a.SuperUsers, Username(principal)) {
		return allPermissions
	}
	var p permissions
	for o := range operationCount {
		row := a.May[o]
		if len(row) == 0 && o != OperationAdmin || matchAny(row, principal) {
			p |= 1 << o
		}
	}
	return p
}

// admits says whether a principal may authenticate.
func (a *Access) admits(principal string) bool {
	return len(a.Allowed) == 0 || matchAny(a.Allowed, principal)
}

// kerberos is the name of the mechanism whose principals always have a realm.
const kerberos = "GSSAPI"

// validate finds rules that could never hold.
func (a *Access) validate(auth Auth, mechanism string) error {
	lists := [...]struct {
		field string
		list  []Pattern
	}{
		{"Access.Allowed", a.Allowed},
		{"Access.May[query]", a.May[OperationQuery]},
		{"Access.May[read]", a.May[OperationRead]},
		{"Access.May[write]", a.May[OperationWrite]},
		{"Access.May[admin]", a.May[OperationAdmin]},
	}
	for _, l := range lists {
		if len(l.list) > 0 && !auth.Enabled {
			return &ConfigError{Field: l.field, Why: "names principals, but authentication is not enabled: nobody would be known"}
		}
		for _, p := range l.list {
			switch {
			case p.text == "":
				return &ConfigError{Field: l.field, Why: "has an empty pattern; make patterns with ParsePattern"}
			case mechanism == kerberos && !p.every && p.realm == nil:
				return &ConfigError{Field: l.field, Why: fmt.Sprintf("has %q, which no Kerberos principal can match: write %s@REALM", p.text, p.text)}
			}
		}
	}
	return a.validateSuperUsers(auth)
}

func (a *Access) validateSuperUsers(auth Auth) error {
	if len(a.SuperUsers) > 0 && !auth.Enabled {
		return &ConfigError{Field: "Access.SuperUsers", Why: "names users, but authentication is not enabled: nobody would be known"}
	}
	for _, u := range a.SuperUsers {
		if u == "" || strings.ContainsAny(u, "@/") {
			return &ConfigError{Field: "Access.SuperUsers", Why: fmt.Sprintf("has %q; a user is what is left of a principal without host and realm", u)}
		}
	}
	return nil
}

func (a *Access) clone() Access {
	d := Access{Allowed: slices.Clone(a.Allowed), SuperUsers: slices.Clone(a.SuperUsers)}
	for o := range a.May {
		d.May[o] = slices.Clone(a.May[o])
	}
	return d
}
