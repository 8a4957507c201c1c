/*
 * A server that does nothing but negotiate, on Cyrus SASL: RPC_NEGOTIATION in frames of
 * header version 1, one thread, epoll. It is what the reference server's negotiations per
 * second are compared with. Usage: storm SERVICE HOST; it prints its port, and ends with
 * its standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sasl/sasl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FRAME 65536
#define NAME "RPC_NEGOTIATION"

enum { LIST = 1, LIST_RESP, SELECT, SELECT_RESP, INITIATE, CHALLENGE, CHALLENGE_RESP, SUCC };

struct peer {
    int fd, begun;
    sasl_conn_t *sasl;
    size_t have;
    unsigned char in[MAX_FRAME];
};

static const char *service, *host;

static uint32_t get32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return ntohl(v);
}

static unsigned char *put32(unsigned char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
    return p + 4;
}

static unsigned char *put_text(unsigned char *p, const void *text, uint32_t n)
{
    p = put32(p, n);
    memcpy(p, text, n);
    return p + n;
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    if (p->sasl)
        sasl_dispose(&p->sasl);
    free(p);
}

/* answer writes result{0: {1: status, 2: message}}; 0 where the peer does not take it. */
static int answer(struct peer *p, uint32_t seq, uint32_t status, const void *message, uint32_t n)
{
    static unsigned char out[MAX_FRAME];
    static const unsigned char result[] = {0x0c, 0, 0, 0x08, 0, 1}, field[] = {0x0c, 0, 2};
    if (n > MAX_FRAME / 2)
        return 0;
    unsigned char *q = put_text(out + 4, "ERR_OK", 6);
    q = put32(q, 0x80010002);
    q = put_text(q, NAME "_ACK", sizeof NAME "_ACK" - 1);
    q = put32(q, seq);
    q = mempcpy(q, result, sizeof result);
    q = put32(q, status);
    q = mempcpy(q, field, sizeof field);
    q = put_text(q, message, n);
    *q++ = 0;
    *q++ = 0;
    put32(out, (uint32_t)(q - out));
    return write(p->fd, out, (size_t)(q - out)) == q - out;
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
    return answer(p, seq, SUCC, "", 0);
}

/* serve treats one frame: header, meta struct, message begin, args{1: {1: status, 2: message}}. */
static int serve(struct peer *p, const unsigned char *body, size_t n)
{
    size_t name = sizeof NAME - 1, fixed = 4 + 4 + name + 4 + 3 + 3 + 4 + 3 + 4;
    if (n < fixed + 2 || get32(body) != 0x80010001 || get32(body + 4) != name || memcmp(body + 8, NAME, name) != 0)
        return 0;
    const unsigned char *q = body + 8 + name;
    uint32_t seq = get32(q), status = get32(q + 4 + 6), length = get32(q + 4 + 6 + 4 + 3);
    if (length > n - fixed - 2)
        return 0;
    switch (status) {
    case LIST:
        return answer(p, seq, LIST_RESP, "GSSAPI", 6);
    case SELECT:
        return answer(p, seq, SELECT_RESP, "", 0);
    case INITIATE:
    case CHALLENGE_RESP:
        return step(p, seq, (const char *)body + fixed, length);
    }
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
    if (argc != 3 || sasl_server_init(NULL, "storm") != SASL_OK)
        return 2;
    service = argv[1];
    host = argv[2];
    if (bind(listener, (struct sockaddr *)&addr, size) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &size) != 0) {
        perror("listen");
        return 1;
    }
    printf("%d\n", ntohs(addr.sin_port));
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
