/* What the peers in C share: numbers and texts of frames and Thrift's binary protocol. */
#ifndef FRAMES_H
#define FRAMES_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define MAX_FRAME 65536
#define NEGOTIATION "RPC_NEGOTIATION"
#define QUERY "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
#define GET "RPC_RRDB_RRDB_GET"
#define PUT "RPC_RRDB_RRDB_PUT"

enum { LIST = 1, LIST_RESP, SELECT, SELECT_RESP, INITIATE, CHALLENGE, CHALLENGE_RESP, SUCC };
enum { STOP, BOOL = 2, I32 = 8, I64 = 10, STRING, STRUCT, LIST_OF = 15 };

static inline uint32_t get32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return ntohl(v);
}

static inline unsigned char *put32(unsigned char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
    return p + 4;
}

static inline unsigned char *put64(unsigned char *p, uint64_t v)
{
    return put32(put32(p, (uint32_t)(v >> 32)), (uint32_t)v);
}

static inline unsigned char *put_text(unsigned char *p, const void *text, uint32_t n)
{
    p = put32(p, n);
    memcpy(p, text, n);
    return p + n;
}

static inline unsigned char *put_field(unsigned char *p, int type, int id)
{
    *p++ = (unsigned char)type;
    *p++ = (unsigned char)(id >> 8);
    *p++ = (unsigned char)id;
    return p;
}

/* A blob and an error code travel as a struct whose only content is a text. */
static inline unsigned char *put_blob(unsigned char *p, int id, const void *text, uint32_t n)
{
    return put_text(put_field(p, STRUCT, id), text, n);
}

static inline unsigned char *put_int(unsigned char *p, int id, uint32_t v)
{
    return put32(put_field(p, I32, id), v);
}

static inline unsigned char *put_long(unsigned char *p, int id, uint64_t v)
{
    return put64(put_field(p, I64, id), v);
}

#endif
