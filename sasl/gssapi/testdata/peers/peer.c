/*
 * One end of SASL GSSAPI negotiations on Cyrus SASL, one after the other, driven over
 * standard input and output by a test. Usage: peer client|server SERVICE
 *
 * A line in:   "N <name=value>..."  a negotiation begins, in place of any before:
 *                  host     the service's
 *                  authzid  client only: the authorization identity, where there is one
 *                  ccache   client only: file with its tickets
 *                  keytab   server only: file with its keys
 *                  others are for other peers
 *              "T <hex>"      a token of the other end, which may be empty
 * A line out, for a client's "N" and for every "T":
 *              "T <hex>"      a token for the other end
 *              "D <hex>"      the same, and this end has all it needs
 *              "OK <name>"    server only: satisfied
 *              "ERR <words>"  refused
 */
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKEN 65536
#define MAX_VALUE 256

static const char *service;
static char host[MAX_VALUE], authzid[MAX_VALUE];
static int serving, begun;
static sasl_conn_t *conn;

static int give_user(void *context, int id, const char **result, unsigned *length)
{
    (void)context;
    (void)id;
    *result = authzid;
    if (length)
        *length = (unsigned)strlen(*result);
    return SASL_OK;
}

/* The log says what a refusal leaves out: why GSS-API refused. */
static char logged[512];

static int keep_log(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    size_t have = strlen(logged);
    snprintf(logged + have, sizeof logged - have, "; %s", message);
    return SASL_OK;
}

static const sasl_callback_t callbacks[] = {
    {SASL_CB_USER, (int (*)(void))give_user, NULL},
    {SASL_CB_AUTHNAME, (int (*)(void))give_user, NULL},
    {SASL_CB_LOG, (int (*)(void))keep_log, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static void put(const char *kind, const char *token, unsigned length)
{
    printf("%s ", kind);
    for (unsigned i = 0; i < length; i++)
        printf("%02x", (unsigned char)token[i]);
    printf("\n");
}

/* answer writes what a step came to; a refusal's reason is one line. */
static void answer(int status, const char *out, unsigned length)
{
    const void *name = NULL;
    if (status == SASL_CONTINUE) {
        put("T", out, length);
    } else if (status == SASL_OK && !serving) {
        put("D", out, length);
    } else if (status == SASL_OK) {
        sasl_getprop(conn, SASL_USERNAME, &name);
        printf("OK %s\n", name ? (const char *)name : "");
    } else {
        char words[1024];
        snprintf(words, sizeof words, "%s%s", conn ? sasl_errdetail(conn) : sasl_errstring(status, NULL, NULL), logged);
        for (char *c = words; *c; c++)
            if (*c == '\n' || *c == '\r')
                *c = ' ';
        printf("ERR %d %s\n", status, words);
    }
}

static void set(const char *name, const char *value)
{
    if (strcmp(name, "host") == 0)
        snprintf(host, sizeof host, "%s", value);
    else if (strcmp(name, "authzid") == 0)
        snprintf(authzid, sizeof authzid, "%s", value);
    else if (strcmp(name, "keytab") == 0)
        setenv("KRB5_KTNAME", value, 1);
    else if (strcmp(name, "ccache") == 0)
        setenv("KRB5CCNAME", value, 1);
}

/* begin forgets the negotiation before; a client's first token is answered at once. */
static void begin(char *options)
{
    if (conn)
        sasl_dispose(&conn);
    conn = NULL;
    begun = 0;
    *authzid = *logged = 0;
    for (char *option = strtok(options, " \n"); option; option = strtok(NULL, " \n")) {
        char *value = strchr(option, '=');
        if (!value)
            exit(2);
        *value = 0;
        set(option, value + 1);
    }
    if (serving)
        return;
    const char *out = NULL, *chosen;
    unsigned length = 0;
    int status = sasl_client_new(service, host, NULL, NULL, callbacks, 0, &conn);
    if (status == SASL_OK)
        status = sasl_client_start(conn, "GSSAPI", NULL, &out, &length, &chosen);
    answer(status, out, length);
}

static void step(const char *token, unsigned length)
{
    const char *out = NULL;
    unsigned made = 0;
    int status = SASL_OK;
    if (!serving) {
        status = sasl_client_step(conn, token, length, NULL, &out, &made);
    } else if (begun) {
        status = sasl_server_step(conn, token, length, &out, &made);
    } else {
        begun = 1;
        status = sasl_server_new(service, host, NULL, NULL, NULL, NULL, 0, &conn);
        if (status == SASL_OK)
            status = sasl_server_start(conn, "GSSAPI", token, length, &out, &made);
    }
    answer(status, out, made);
}

static unsigned unhex(const char *text, char *token)
{
    unsigned length = 0, byte;
    for (; length < MAX_TOKEN && sscanf(text, "%2x", &byte) == 1; text += 2)
        token[length++] = (char)byte;
    return length;
}

int main(int argc, char **argv)
{
    static char line[2 * MAX_TOKEN + 16], token[MAX_TOKEN];
    if (argc != 3)
        return 2;
    serving = strcmp(argv[1], "server") == 0;
    service = argv[2];
    if ((serving ? sasl_server_init(callbacks, "peer") : sasl_client_init(callbacks)) != SASL_OK)
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "N ", 2) == 0)
            begin(line + 2);
        else if (strncmp(line, "T ", 2) == 0)
            step(token, unhex(line + 2, token));
        else
            return 2;
        fflush(stdout);
    }
    return 0;
}
