// Scalars that replace a struct on the wire: a field of one of these types is declared a
// struct, yet carries no fields and no STOP. The declarations here are empty so that the
// other files can name them; the Go code is written by hand (base/).

namespace go base

struct blob {}         // i32 length, bytes
struct error_code {}   // string: the name
struct task_code {}    // string: the name
struct gpid {}         // i64: partition index in the upper half, table in the lower
struct rpc_address {}  // i64: IPv4 address, 16 bits of port, 16 bits of kind
struct host_port {}    // string host, i16 port, byte kind
