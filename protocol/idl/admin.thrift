// Tables and nodes, as an administrator asks a meta server for them: RPC_CM_*.
// Wire format of upstream's idl/meta_admin.thrift and idl/utils.thrift, for the calls
// that this project serves.

include "base.thrift"
include "replication.thrift"

namespace go admin

struct create_app_options {
    1: i32 partition_count
    2: i32 replica_count
    3: bool success_if_exist
    4: string app_type
    5: bool is_stateful
    6: map<string, string> envs
    7: optional bool atomic_idempotent = false
}

struct create_app_request {
    1: string app_name
    2: create_app_options options
}

struct create_app_response {
    1: base.error_code err
    2: i32 appid
}

struct drop_app_options {
    1: bool success_if_not_exist
    2: optional i64 reserve_seconds
}

struct drop_app_request {
    1: string app_name
    2: drop_app_options options
}

struct drop_app_response {
    1: base.error_code err
}

struct recall_app_request {
    1: i32 app_id
    2: string new_app_name
}

struct recall_app_response {
    1: base.error_code err
    2: replication.app_info info
}

enum pattern_match_type {
    PMT_INVALID = 0
    PMT_MATCH_ALL = 1
    PMT_MATCH_EXACT = 2
    PMT_MATCH_ANYWHERE = 3
    PMT_MATCH_PREFIX = 4
    PMT_MATCH_POSTFIX = 5
    PMT_MATCH_REGEX = 6
}

struct list_apps_request {
    1: replication.app_status status = replication.app_status.AS_INVALID  // AS_INVALID: all
    2: optional string app_name_pattern
    3: optional pattern_match_type match_type
}

struct list_apps_response {
    1: base.error_code err
    2: list<replication.app_info> infos
    3: optional string hint_message
}

enum node_status {
    NS_INVALID = 0
    NS_ALIVE = 1
    NS_UNALIVE = 2
}

struct node_info {
    1: node_status status = node_status.NS_INVALID
    2: base.rpc_address node
    3: optional base.host_port hp_node
}

struct list_nodes_request {
    1: node_status status = node_status.NS_INVALID  // NS_INVALID: all
}

struct list_nodes_response {
    1: base.error_code err
    2: list<node_info> infos
}

struct cluster_info_request {
}

// keys[i] has the value values[i].
struct cluster_info_response {
    1: base.error_code err
    2: list<string> keys
    3: list<string> values
}

enum app_env_operation {
    APP_ENV_OP_INVALID = 0
    APP_ENV_OP_SET = 1
    APP_ENV_OP_DEL = 2
    APP_ENV_OP_CLEAR = 3
}

struct update_app_env_request {
    1: string app_name
    2: app_env_operation op = app_env_operation.APP_ENV_OP_INVALID
    3: optional list<string> keys    // of set and del
    4: optional list<string> values  // of set
    5: optional string clear_prefix  // of clear; empty: all
}

struct update_app_env_response {
    1: base.error_code err
    2: string hint_message
}

service admin_client {
    create_app_response create_app(1: create_app_request req)
    drop_app_response drop_app(1: drop_app_request req)
    recall_app_response recall_app(1: recall_app_request req)
    list_apps_response list_apps(1: list_apps_request req)
    list_nodes_response list_nodes(1: list_nodes_request req)
    cluster_info_response query_cluster_info(1: cluster_info_request req)
    update_app_env_response update_app_env(1: update_app_env_request req)
}
