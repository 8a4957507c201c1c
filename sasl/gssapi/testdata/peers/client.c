/*
 * A client on Cyrus SASL, over TCP: frames of header version 1. For each line of standard
 * input it asks a meta server for a table of one partition, puts a value there and gets it,
 * after a negotiation with each server; a line of standard output says what came of it.
 * Usage: client SERVICE
 *
 * A line in:   "HOST META TABLE VALUE MUTUAL": host of the servers' principal, META as
 *              127.0.0.1:port; MUTUAL is for other clients, this one always asks for it
 * A line out:  "OK <value>"   what the get returned
 *              "ERR <words>"
 */
#define _GNU_SOURCE
#include "frames.h"
#include <sasl/sasl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *service;
static char host[256];
static jmp_buf failed;
static char words[512];

/* session is one connection. */
struct session {
    int fd;
    uint32_t seq;
    sasl_conn_t *sasl;
    unsigned char in[MAX_FRAME];
    const unsigned char *at, *end; /* what is unread of an answer's result */
};

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    longjmp(failed, 1);
}

static const unsigned char *take(struct session *s, size_t n)
{
    if ((size_t)(s->end - s->at) < n)
        fail("the answer ends early");
    s->at += n;
    return s->at - n;
}

static void take_field(struct session *s, int type, int id)
{
    const unsigned char *f = take(s, 3);
    if (f[0] != type || f[1] != 0 || f[2] != id)
        fail("field %d of type %d where field %d of type %d is due", f[2], f[0], id, type);
}

static const char *take_text(struct session *s, uint32_t *n)
{
    *n = get32(take(s, 4));
    return (const char *)take(s, *n);
}

static void expect_text(struct session *s, const char *want)
{
    uint32_t n;
    const char *text = take_text(s, &n);
    if (n != strlen(want) || memcmp(text, want, n) != 0)
        fail("%.*s where %s is due", (int)(n < 100 ? n : 100), text, want);
}

static void read_whole(struct session *s, unsigned char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(s->fd, to, n);
        if (got <= 0)
            fail("the server hung up");
        to += got;
        n -= (size_t)got;
    }
}

/* call sends a request and leaves s at the fields of the answer's result. */
static void call(struct session *s, const char *rpc, uint32_t app, const unsigned char *args, size_t n)
{
    unsigned char out[MAX_FRAME], *q = put_int(put_int(out + 16, 1, app), 2, 0);
    q = put_long(put_int(q, 3, 5000), 4, 0);
    q = put_field(q, BOOL, 5);
    *q++ = 0;
    *q++ = STOP;
    unsigned char *body = q;
    q = put32(put_text(put32(q, 0x80010001), rpc, (uint32_t)strlen(rpc)), ++s->seq);
    q = mempcpy(q, args, n);
    memcpy(out, "THFT", 4);
    put32(put32(put32(out + 4, 1), (uint32_t)(body - out - 16)), (uint32_t)(q - body));
    if (write(s->fd, out, (size_t)(q - out)) != q - out)
        fail("the server takes no request");
    read_whole(s, s->in, 4);
    uint32_t size = get32(s->in);
    if (size < 4 || size > sizeof s->in)
        fail("an answer of %u bytes", size);
    read_whole(s, s->in + 4, size - 4);
    s->at = s->in + 4;
    s->end = s->in + size;
    expect_text(s, "ERR_OK");
    char name[128];
    snprintf(name, sizeof name, "%s_ACK", rpc);
    if (get32(take(s, 4)) != 0x80010002)
        fail("no reply");
    expect_text(s, name);
    if (get32(take(s, 4)) != s->seq)
        fail("the answer to another request");
    take_field(s, STRUCT, 0);
}

/* say sends a message of the negotiation and returns the status and message it gets. */
static uint32_t say(struct session *s, uint32_t status, const char *message, unsigned n, const char **got, uint32_t *length)
{
    static unsigned char args[MAX_FRAME];
    if (n > MAX_FRAME / 2)
        fail("a token of %u bytes", n);
    unsigned char *q = put_blob(put_int(put_field(args, STRUCT, 1), 1, status), 2, message, n);
    *q++ = STOP;
    *q++ = STOP;
    call(s, NEGOTIATION, 0, args, (size_t)(q - args));
    take_field(s, I32, 1);
    uint32_t answer = get32(take(s, 4));
    take_field(s, STRUCT, 2);
    *got = take_text(s, length);
    return answer;
}

static void negotiate(struct session *s)
{
    const char *got, *out = NULL, *chosen;
    uint32_t length;
    unsigned made = 0;
    if (say(s, LIST, "", 0, &got, &length) != LIST_RESP || length != 6 || memcmp(got, "GSSAPI", 6) != 0)
        fail("GSSAPI is not offered");
    if (say(s, SELECT, "GSSAPI", 6, &got, &length) != SELECT_RESP)
        fail("GSSAPI is not taken");
    int status = sasl_client_new(service, host, NULL, NULL, NULL, 0, &s->sasl);
    if (status == SASL_OK)
        status = sasl_client_start(s->sasl, "GSSAPI", NULL, &out, &made, &chosen);
    for (uint32_t ask = INITIATE;; ask = CHALLENGE_RESP) {
        if (status != SASL_OK && status != SASL_CONTINUE)
            fail("%s", s->sasl ? sasl_errdetail(s->sasl) : sasl_errstring(status, NULL, NULL));
        uint32_t answer = say(s, ask, out ? out : "", made, &got, &length);
        if (answer == SUCC && status == SASL_OK)
            return;
        if (answer != CHALLENGE)
            fail("status %u where a challenge is due", answer);
        status = sasl_client_step(s->sasl, got, length, NULL, &out, &made);
    }
}

/* connect_to connects and negotiates. */
static void connect_to(struct session *s, uint32_t address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(port)};
    if (connect(s->fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("connect: %m");
    negotiate(s);
}

/* query returns the primary of the table's one partition, and its application. */
static uint64_t query(struct session *s, const char *table, uint32_t *app)
{
    unsigned char args[512], *q = put_field(put_field(args, STRUCT, 1), STRING, 1);
    q = put_field(put_text(q, table, (uint32_t)strlen(table)), LIST_OF, 2);
    *q++ = I32;
    q = put32(q, 0);
    *q++ = STOP;
    *q++ = STOP;
    call(s, QUERY, 0, args, (size_t)(q - args));
    take_field(s, STRUCT, 1);
    expect_text(s, "ERR_OK");
    take_field(s, I32, 2);
    *app = get32(take(s, 4));
    take_field(s, I32, 3);
    if (get32(take(s, 4)) != 1)
        fail("more than one partition");
    take_field(s, BOOL, 4);
    take(s, 1);
    take_field(s, LIST_OF, 5);
    take(s, 5);
    take_field(s, STRUCT, 1);
    take(s, 8);
    take_field(s, I64, 2);
    take(s, 8);
    take_field(s, I32, 3);
    take(s, 4);
    take_field(s, STRUCT, 4);
    const unsigned char *address = take(s, 8);
    return (uint64_t)get32(address) << 32 | get32(address + 4);
}

/* The record's stored key: two bytes of length, hash key "h", sort key "s". */
static const unsigned char key[] = {0, 1, 'h', 's'};

static void put(struct session *s, uint32_t app, const char *value)
{
    unsigned char args[512], *q = put_blob(put_field(args, STRUCT, 1), 1, key, sizeof key);
    q = put_int(put_blob(q, 2, value, (uint32_t)strlen(value)), 3, 0);
    *q++ = STOP;
    *q++ = STOP;
    call(s, PUT, app, args, (size_t)(q - args));
    take_field(s, I32, 1);
    if (get32(take(s, 4)) != 0)
        fail("put failed");
}

static const char *get(struct session *s, uint32_t app, uint32_t *n)
{
    unsigned char args[64], *q = put_blob(args, 1, key, sizeof key);
    *q++ = STOP;
    call(s, GET, app, args, (size_t)(q - args));
    take_field(s, I32, 1);
    if (get32(take(s, 4)) != 0)
        fail("get failed");
    take_field(s, STRUCT, 2);
    return take_text(s, n);
}

/* run does what a line asks for, on sessions that are released by the caller. */
static void run(char *line, struct session *meta, struct session *primary)
{
    char table[64], value[64];
    unsigned port;
    uint32_t app, n;
    if (sscanf(line, "%255s 127.0.0.1:%u %63s %63s", host, &port, table, value) != 4)
        fail("a line that cannot be read");
    connect_to(meta, INADDR_LOOPBACK, (uint16_t)port);
    uint64_t address = query(meta, table, &app);
    connect_to(primary, (uint32_t)(address >> 32), (uint16_t)(address >> 16));
    put(primary, app, value);
    const char *got = get(primary, app, &n);
    printf("OK %.*s\n", (int)n, got);
}

int main(int argc, char **argv)
{
    static struct session sessions[2];
    char line[1024];
    if (argc != 2 || sasl_client_init(NULL) != SASL_OK)
        return 2;
    service = argv[1];
    while (fgets(line, sizeof line, stdin)) {
        memset(sessions, 0, sizeof sessions);
        for (int i = 0; i < 2; i++)
            sessions[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (setjmp(failed) == 0)
            run(line, &sessions[0], &sessions[1]);
        else
            printf("ERR %s\n", words);
        fflush(stdout);
        for (int i = 0; i < 2; i++) {
            close(sessions[i].fd);
            if (sessions[i].sasl)
                sasl_dispose(&sessions[i].sasl);
        }
    }
    return 0;
}
