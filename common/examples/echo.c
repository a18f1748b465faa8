/* SPDX-License-Identifier: MIT */
/*
 * A TCP echo server in one loop. A connection reads only when everything it read before has been
 * written back, so a slow peer slows itself and costs no memory. Clients on another thread check
 * what comes back; when the last connection has closed, the server ends gracefully.
 */
#include <velo.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 3, MESSAGE_BYTES = 64 * 1024, BUFFER_BYTES = 4096 };

/* ---- server: everything here runs on the loop's thread ---- */

struct server {
    struct velo_loop *loop;
    int fd;
    velo_id watch;
    int served; /* connections that came and went */
};

struct connection {
    struct server *server;
    int fd;
    velo_id watch;
    bool is_writing;   /* watched for VELO_WRITE, else for VELO_READ */
    size_t begin, end; /* buffer[begin, end) is read and not yet written back */
    char buffer[BUFFER_BYTES];
};

static void free_connection(void *arg)
{
    struct connection *connection = arg;
    struct server *server = connection->server;
    close(connection->fd);
    free(connection);
    if (++server->served == CLIENTS)
        velo_loop_shutdown(server->loop, 0); /* 0: from a callback one cannot wait for the end */
}

static void hang_up(struct connection *connection)
{
    struct velo_loop *loop = connection->server->loop;
    velo_fd_unwatch(loop, connection->watch);
    if (velo_defer_close(loop, free_connection, connection) != 0)
        free_connection(connection);
}

/* Read what fits. False: the peer has closed, or the connection is broken. */
static bool read_more(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->buffer, BUFFER_BYTES, 0);
    connection->begin = 0;
    connection->end = got > 0 ? (size_t)got : 0;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Write what the peer takes. False: the connection is broken. */
static bool write_back(struct connection *connection)
{
    while (connection->begin < connection->end) {
        ssize_t sent = send(connection->fd,
                            connection->buffer + connection->begin,
                            connection->end - connection->begin,
                            MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        connection->begin += (size_t)sent;
    }
    return true;
}

/* Watch for what is needed next: room to write, or something to read. */
static bool watch_next(struct connection *connection)
{
    bool is_writing = connection->begin < connection->end;
    if (is_writing == connection->is_writing)
        return true;
    connection->is_writing = is_writing;
    return velo_fd_modify(connection->server->loop,
                          connection->watch,
                          is_writing ? VELO_WRITE : VELO_READ) == 0;
}

static void on_connection(int fd, unsigned events, void *arg)
{
    struct connection *connection = arg;
    (void)fd;
    (void)events; /* errors and hang-ups show in the calls below */
    bool alive = connection->is_writing || read_more(connection);
    if (!alive || !write_back(connection) || !watch_next(connection))
        hang_up(connection);
}

static void on_accept(int fd, unsigned events, void *arg)
{
    struct server *server = arg;
    (void)events;
    int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0)
        return;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection != NULL) {
        connection->server = server;
        connection->fd = peer;
        if (velo_fd_watch(
                server->loop, peer, VELO_READ, on_connection, connection, &connection->watch) == 0)
            return;
    }
    free(connection);
    close(peer);
}

/* ---- clients: blocking, on a thread of their own ---- */

struct clients {
    struct velo_loop *loop;
    struct sockaddr_in address;
    int correct; /* conversations that came back as they were sent */
};

static bool exchange(int fd, char seed)
{
    static char sent[MESSAGE_BYTES], received[MESSAGE_BYTES];
    for (size_t i = 0; i < MESSAGE_BYTES; i++)
        sent[i] = (char)((size_t)seed + i * i);
    return send(fd, sent, MESSAGE_BYTES, MSG_NOSIGNAL) == MESSAGE_BYTES &&
           recv(fd, received, MESSAGE_BYTES, MSG_WAITALL) == MESSAGE_BYTES &&
           memcmp(sent, received, MESSAGE_BYTES) == 0;
}

static void *run_clients(void *arg)
{
    struct clients *clients = arg;
    for (int i = 0; i < CLIENTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const struct sockaddr *to = (const struct sockaddr *)&clients->address;
        bool connected = fd >= 0 && connect(fd, to, sizeof clients->address) == 0;
        if (connected && exchange(fd, (char)i))
            clients->correct++;
        if (fd >= 0)
            close(fd);
        if (!connected)
            velo_loop_close(clients->loop); /* or the server would wait for ever */
    }
    return NULL;
}

/* ---- both together ---- */

/* A listening socket on a free port of this machine, or -errno; its address goes to [address]. */
static int listen_anywhere(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t size = sizeof *address;
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (const struct sockaddr *)address, size) == 0 && listen(fd, CLIENTS) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &size) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int serve(struct server *server, struct clients *clients)
{
    int rc = velo_fd_watch(server->loop, server->fd, VELO_READ, on_accept, server, &server->watch);
    if (rc != 0)
        return rc;
    pthread_t thread;
    rc = pthread_create(&thread, NULL, run_clients, clients);
    if (rc != 0)
        return -rc;
    rc = velo_loop_run(server->loop, VELO_RUN_FOREVER); /* until the graceful shutdown */
    pthread_join(thread, NULL);
    return rc;
}

int main(void)
{
    struct server server = {0};
    struct clients clients = {0};
    server.fd = listen_anywhere(&clients.address);
    int rc = server.fd < 0 ? server.fd : velo_loop_create(&server.loop, NULL);
    if (rc == 0) {
        clients.loop = server.loop;
        rc = serve(&server, &clients);
        velo_loop_destroy(server.loop);
    }
    if (server.fd >= 0)
        close(server.fd);
    if (rc != 0)
        fprintf(stderr, "echo: %s\n", velo_strerror(rc));
    printf("%d of %d conversations came back unchanged\n", clients.correct, CLIENTS);
    return rc == 0 && clients.correct == CLIENTS ? 0 : 1;
}
