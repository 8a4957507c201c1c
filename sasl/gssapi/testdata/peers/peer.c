/*
 * One end of a SASL GSSAPI negotiation on Cyrus SASL, driven over standard input and
 * output by a test. Usage: peer client|server SERVICE HOST [AUTHZID]
 *
 * A line in:   "T <hex>"      a token of the other end, which may be empty
 * A line out:  "T <hex>"      a token for it
 *              "D <hex>"      the same, and this end has all it needs
 *              "OK <name>"    server only: satisfied
 *              "ERR <words>"  refused
 */
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKEN 65536

static const char *authzid;

static int give_user(void *context, int id, const char **result, unsigned *length)
{
    (void)context;
    (void)id;
    *result = authzid ? authzid : "";
    if (length)
        *length = (unsigned)strlen(*result);
    return SASL_OK;
}

static int keep_silent(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    (void)message;
    return SASL_OK;
}

static const sasl_callback_t callbacks[] = {
    {SASL_CB_USER, (int (*)(void))give_user, NULL},
    {SASL_CB_AUTHNAME, (int (*)(void))give_user, NULL},
    {SASL_CB_LOG, (int (*)(void))keep_silent, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static void put(const char *kind, const char *token, unsigned length)
{
    printf("%s ", kind);
    for (unsigned i = 0; i < length; i++)
        printf("%02x", (unsigned char)token[i]);
    printf("\n");
    fflush(stdout);
}

/* refuse prints the reason on one line and ends. */
static void refuse(sasl_conn_t *conn, int status)
{
    char words[512];
    snprintf(words, sizeof words, "%s", conn ? sasl_errdetail(conn) : sasl_errstring(status, NULL, NULL));
    for (char *c = words; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    printf("ERR %d %s\n", status, words);
    fflush(stdout);
    exit(0);
}

/* get reads a token; it ends the program where the input does. */
static unsigned get(char *token)
{
    static char line[2 * MAX_TOKEN + 16];
    if (!fgets(line, sizeof line, stdin) || strncmp(line, "T ", 2) != 0)
        exit(0);
    unsigned length = 0, byte;
    for (const char *c = line + 2; length < MAX_TOKEN && sscanf(c, "%2x", &byte) == 1; c += 2)
        token[length++] = (char)byte;
    return length;
}

static void as_client(const char *service, const char *host)
{
    static char in[MAX_TOKEN];
    sasl_conn_t *conn = NULL;
    const char *out = NULL, *chosen;
    unsigned length = 0;
    int status = sasl_client_new(service, host, NULL, NULL, callbacks, 0, &conn);
    if (status != SASL_OK)
        refuse(conn, status);
    status = sasl_client_start(conn, "GSSAPI", NULL, &out, &length, &chosen);
    while (status == SASL_OK || status == SASL_CONTINUE) {
        put(status == SASL_OK ? "D" : "T", out, length);
        unsigned n = get(in);
        status = sasl_client_step(conn, in, n, NULL, &out, &length);
    }
    refuse(conn, status);
}

static void as_server(const char *service, const char *host)
{
    static char in[MAX_TOKEN];
    sasl_conn_t *conn = NULL;
    const char *out = NULL;
    unsigned length = 0;
    int status = sasl_server_new(service, host, NULL, NULL, NULL, NULL, 0, &conn);
    if (status != SASL_OK)
        refuse(conn, status);
    unsigned n = get(in);
    status = sasl_server_start(conn, "GSSAPI", in, n, &out, &length);
    while (status == SASL_CONTINUE) {
        put("T", out, length);
        n = get(in);
        status = sasl_server_step(conn, in, n, &out, &length);
    }
    if (status != SASL_OK)
        refuse(conn, status);
    const void *name = NULL;
    sasl_getprop(conn, SASL_USERNAME, &name);
    printf("OK %s\n", name ? (const char *)name : "");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    authzid = argc > 4 ? argv[4] : NULL;
    if (strcmp(argv[1], "client") == 0) {
        if (sasl_client_init(callbacks) != SASL_OK)
            return 1;
        as_client(argv[2], argv[3]);
        return 0;
    }
    if (sasl_server_init(callbacks, "peer") != SASL_OK)
        return 1;
    as_server(argv[2], argv[3]);
    return 0;
}
