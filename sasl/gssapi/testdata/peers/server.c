/*
 * A server on Cyrus SASL: frames of header version 1, one thread, epoll. It negotiates, and to
 * whoever has it serves one table of one partition, of which it is meta server and primary:
 * a get returns the name that Cyrus gave the client. Other requests end their connection, and
 * so does any request before the negotiation's end.
 * The reference client talks to it, and the reference server's negotiations per second are
 * compared with its. Usage: server SERVICE HOST; it prints its port, and ends with its
 * standard input.
 */
#define _GNU_SOURCE
#include "frames.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int fd, begun;
    sasl_conn_t *sasl;
    const char *name; /* Cyrus's, once it is satisfied */
    size_t have;
    unsigned char in[MAX_FRAME];
};

static const char *service, *host;
static uint16_t port;

static void hang_up(struct peer *p)
{
    close(p->fd);
    if (p->sasl)
        sasl_dispose(&p->sasl);
    free(p);
}

/* begin_answer writes all of an answer to rpc that comes before its result's fields. */
static unsigned char *begin_answer(unsigned char *out, const char *rpc, uint32_t seq)
{
    char name[128];
    int n = snprintf(name, sizeof name, "%s_ACK", rpc);
    unsigned char *q = put32(put_text(out + 4, "ERR_OK", 6), 0x80010002);
    return put_field(put32(put_text(q, name, (uint32_t)n), seq), STRUCT, 0);
}

/* end_answer writes what is in out up to q; 0 where the peer does not take it. */
static int end_answer(struct peer *p, unsigned char *out, unsigned char *q)
{
    *q++ = STOP;
    *q++ = STOP;
    put32(out, (uint32_t)(q - out));
    return write(p->fd, out, (size_t)(q - out)) == q - out;
}

static int answer(struct peer *p, uint32_t seq, uint32_t status, const void *message, uint32_t n)
{
    static unsigned char out[MAX_FRAME];
    if (n > MAX_FRAME / 2)
        return 0;
    unsigned char *q = put_int(begin_answer(out, NEGOTIATION, seq), 1, status);
    return end_answer(p, out, put_blob(q, 2, message, n));
}

/* answer_query says of any table that it is here: application 1, partition 0. */
static int answer_query(struct peer *p, uint32_t seq)
{
    unsigned char out[512], *q = put_blob(begin_answer(out, QUERY, seq), 1, "ERR_OK", 6);
    q = put_int(put_int(q, 2, 1), 3, 1);
    q = put_field(q, BOOL, 4);
    *q++ = 1;
    q = put_field(q, LIST_OF, 5);
    *q++ = STRUCT;
    q = put64(put_field(put32(q, 1), STRUCT, 1), 1);
    q = put_int(put_long(q, 2, 1), 3, 1);
    q = put64(put_field(q, STRUCT, 4), (uint64_t)INADDR_LOOPBACK << 32 | (uint32_t)port << 16 | 1);
    for (int id = 5; id <= 6; id++) {
        q = put_field(q, LIST_OF, id);
        *q++ = STRUCT;
        q = put32(q, 0);
    }
    q = put_int(put_long(q, 7, 0), 8, 0);
    *q++ = STOP;
    return end_answer(p, out, q);
}

static int answer_get(struct peer *p, uint32_t seq)
{
    unsigned char out[1024], *q = put_int(begin_answer(out, GET, seq), 1, 0);
    q = put_blob(q, 2, p->name, (uint32_t)strnlen(p->name, 256));
    return end_answer(p, out, put_int(put_int(q, 3, 1), 4, 0));
}

/* step gives Cyrus a token and answers with what comes of it. */
static int step(struct peer *p, uint32_t seq, const char *token, unsigned n)
{
    const char *out = NULL;
    unsigned length = 0;
    int status;
    if (p->begun) {
        status = sasl_server_step(p->sasl, token, n, &out, &length);
    } else {
        status = sasl_server_new(service, host, NULL, NULL, NULL, NULL, 0, &p->sasl);
        if (status == SASL_OK)
            status = sasl_server_start(p->sasl, "GSSAPI", token, n, &out, &length);
        p->begun = 1;
    }
    if (status == SASL_CONTINUE)
        return answer(p, seq, CHALLENGE, out ? out : "", length);
    const void *name = NULL;
    if (status != SASL_OK || sasl_getprop(p->sasl, SASL_USERNAME, &name) != SASL_OK || !name) {
        fprintf(stderr, "refused: %s\n", p->sasl ? sasl_errdetail(p->sasl) : "no connection");
        return 0;
    }
    p->name = name;
    return answer(p, seq, SUCC, "", 0);
}

/* negotiate takes args{1: {1: status, 2: message}}. */
static int negotiate(struct peer *p, uint32_t seq, const unsigned char *args, size_t n)
{
    const size_t fixed = 3 + 3 + 4 + 3 + 4;
    if (n < fixed + 2)
        return 0;
    uint32_t status = get32(args + 6), length = get32(args + fixed - 4);
    if (p->name || length > n - fixed - 2)
        return 0;
    switch (status) {
    case LIST:
        return answer(p, seq, LIST_RESP, "GSSAPI", 6);
    case SELECT:
        return answer(p, seq, SELECT_RESP, "", 0);
    case INITIATE:
    case CHALLENGE_RESP:
        return step(p, seq, (const char *)args + fixed, length);
    }
    return 0;
}

/* serve treats one frame's body: name of the request, sequence number, arguments. */
static int serve(struct peer *p, const unsigned char *body, size_t n)
{
    if (n < 12 || get32(body) != 0x80010001 || get32(body + 4) > n - 12)
        return 0;
    size_t length = get32(body + 4);
    const unsigned char *name = body + 8, *rest = name + length;
    uint32_t seq = get32(rest);
    if (length == strlen(NEGOTIATION) && memcmp(name, NEGOTIATION, length) == 0)
        return negotiate(p, seq, rest + 4, n - 12 - length);
    if (p->name && length == strlen(QUERY) && memcmp(name, QUERY, length) == 0)
        return answer_query(p, seq);
    if (p->name && length == strlen(GET) && memcmp(name, GET, length) == 0)
        return answer_get(p, seq);
    return 0;
}

/* receive reads what there is and serves whole frames; 0 ends the connection. */
static int receive(struct peer *p)
{
    ssize_t n = read(p->fd, p->in + p->have, sizeof p->in - p->have);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    p->have += (size_t)n;
    size_t at = 0;
    while (p->have - at >= 16) {
        const unsigned char *frame = p->in + at;
        uint64_t size = 16 + (uint64_t)get32(frame + 8) + get32(frame + 12);
        if (memcmp(frame, "THFT", 4) != 0 || get32(frame + 4) != 1 || size > sizeof p->in)
            return 0;
        if (p->have - at < size)
            break;
        if (!serve(p, frame + 16 + get32(frame + 8), get32(frame + 12)))
            return 0;
        at += size;
    }
    p->have -= at;
    memmove(p->in, p->in + at, p->have);
    return 1;
}

static void watch(int epoll, int fd, void *what)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void welcome(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        if (!p)
            exit(1);
        p->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd, p);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0), in = 0;
    if (argc != 3 || sasl_server_init(NULL, "server") != SASL_OK)
        return 2;
    service = argv[1];
    host = argv[2];
    if (bind(listener, (struct sockaddr *)&addr, size) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &size) != 0) {
        perror("listen");
        return 1;
    }
    port = ntohs(addr.sin_port);
    printf("%d\n", port);
    fflush(stdout);
    watch(epoll, listener, &listener);
    watch(epoll, 0, &in);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            void *what = events[i].data.ptr;
            if (what == &in)
                return 0;
            if (what == &listener)
                welcome(epoll, listener);
            else if (!receive(what))
                hang_up(what);
        }
    }
}
