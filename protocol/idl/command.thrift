// Remote commands, answered by every node: RPC_CLI_CLI_CALL.
// Wire format of upstream's idl/command.thrift.

namespace go command

struct command {
    1: string cmd
    2: list<string> arguments
}

service remote_command {
    string call_command(1: command cmd)
}
