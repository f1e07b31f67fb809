/* An emulated wide-area link between two network namespaces.
 *
 *     client's namespace [TUN device] <--> this program <--> [TUN device] servers' namespace
 *
 * Every server address has a path of its own. In each direction a path has
 *
 *   - a delay of half the round trip,
 *   - a rate that all its connections share,
 *   - a rate for each connection (0: none),
 *   - a queue, bounded in time: a packet that would wait longer is dropped at its tail,
 *   - random loss.
 *
 * The packets of one connection stay in order. What runs over the link is the kernel's own TCP.
 *
 * usage: link CLIENT_TUN SERVER_TUN ADDRESS,RTT_MS,RATE_MBIT,FLOW_MBIT,LOSS_PERCENT,QUEUE_MS...
 *
 * Prints "ready" as soon as both devices exist, and runs until it is ended. Needs /dev/net/tun and
 * CAP_NET_ADMIN.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PORTS = 65536, MAX_PACKET = 2048, MAX_PATHS = 16, BATCH = 64, TICK_NS = 200000 };
enum { IPV4_HEADER = 20, SOURCE = 12, DESTINATION = 16 }; /* RFC 791: lengths and offsets, bytes */

typedef uint64_t nanoseconds;

struct packet {
    nanoseconds due;
    uint64_t number; /* keeps packets that are due at once in order */
    ssize_t size;
    unsigned char *bytes;
};

/* One direction of a path: when its line, and the line of each connection, is free again. */
struct lane {
    double ns_per_byte, flow_ns_per_byte, loss;
    nanoseconds delay, longest_wait, free_at;
    nanoseconds *flow_free_at; /* by the client's port */
};

struct path {
    in_addr_t server;
    struct lane up, down;
};

/* Everything that travels one way. One thread runs it, and nothing is shared with the other. */
struct direction {
    int from, to, upstream;
    struct path *paths;
    size_t path_count;
    struct packet *heap; /* by due, then number */
    size_t count, room;
    uint64_t number;
    unsigned seed;
};

static void fail(const char *what) {
    fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *allocated(void *memory) {
    if (memory == NULL) fail("out of memory");
    return memory;
}

static nanoseconds now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (nanoseconds)at.tv_sec * 1000000000u + (nanoseconds)at.tv_nsec;
}

static int before(const struct packet *a, const struct packet *b) {
    return a->due < b->due || (a->due == b->due && a->number < b->number);
}

static void push(struct direction *d, struct packet new) {
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 1024;
        d->heap = allocated(realloc(d->heap, d->room * sizeof new));
    }
    size_t at = d->count++;
    for (; at && before(&new, &d->heap[(at - 1) / 2]); at = (at - 1) / 2) d->heap[at] = d->heap[(at - 1) / 2];
    d->heap[at] = new;
}

static struct packet pop(struct direction *d) {
    struct packet first = d->heap[0], last = d->heap[--d->count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < d->count) {
        if (child + 1 < d->count && before(&d->heap[child + 1], &d->heap[child])) child++;
        if (!before(&d->heap[child], &last)) break;
        d->heap[at] = d->heap[child];
        at = child;
    }
    d->heap[at] = last;
    return first;
}

/* Find the lane of a packet, and the client's port in it (0 if it is neither TCP nor UDP). */
static struct lane *lane_of(struct direction *d, const unsigned char *bytes, ssize_t size, unsigned *port) {
    if (size < IPV4_HEADER || bytes[0] >> 4 != 4) return NULL;
    in_addr_t server;
    memcpy(&server, bytes + (d->upstream ? DESTINATION : SOURCE), sizeof server);
    ssize_t header = (bytes[0] & 15) * 4;
    const unsigned char *ports = bytes + header + (d->upstream ? 0 : 2);
    *port = size >= header + 4 ? (unsigned)ports[0] << 8 | ports[1] : 0;
    for (size_t i = 0; i < d->path_count; i++)
        if (d->paths[i].server == server) return d->upstream ? &d->paths[i].up : &d->paths[i].down;
    return NULL;
}

/* Return when a packet arrives at the other end; 0 if it is lost on the way. */
static nanoseconds arrival(struct direction *d, struct lane *lane, unsigned port, ssize_t size) {
    nanoseconds at = now();
    if (lane->loss > 0 && rand_r(&d->seed) < lane->loss * RAND_MAX) return 0;
    nanoseconds leave = lane->free_at > at ? lane->free_at : at;
    if (leave - at > lane->longest_wait) return 0;
    nanoseconds *flow = lane->flow_ns_per_byte > 0 ? &lane->flow_free_at[port] : NULL;
    nanoseconds flow_leave = flow && *flow > at ? *flow : at;
    if (flow_leave - at > lane->longest_wait) return 0;
    nanoseconds sent = lane->free_at = leave + (nanoseconds)((double)size * lane->ns_per_byte);
    if (flow) {
        *flow = flow_leave + (nanoseconds)((double)size * lane->flow_ns_per_byte);
        if (*flow > sent) sent = *flow;
    }
    return sent + lane->delay;
}

static void deliver_due(struct direction *d) {
    nanoseconds at = now();
    while (d->count && d->heap[0].due <= at) {
        struct packet packet = pop(d);
        /* A device that is down or full drops the packet, as a network would. */
        if (write(d->to, packet.bytes, (size_t)packet.size) < 0 && errno != EAGAIN && errno != EIO && errno != EINVAL)
            fail("cannot write to a TUN device");
        free(packet.bytes);
    }
}

/* Wait for the next packet or, with packets under way, for a tick: it costs less than waking for each. */
static void wait_for_more(const struct direction *d) {
    struct pollfd readable = {.fd = d->from, .events = POLLIN};
    struct timespec tick = {.tv_nsec = TICK_NS};
    if (d->count)
        nanosleep(&tick, NULL);
    else if (poll(&readable, 1, -1) < 0 && errno != EINTR)
        fail("cannot wait for packets");
}

static void *run(void *direction) {
    struct direction *d = direction;
    unsigned char bytes[MAX_PACKET];
    for (;;) {
        int count = 0;
        deliver_due(d);
        /* Due packets must not wait for a burst to end. */
        for (; count < BATCH; count++) {
            ssize_t size = read(d->from, bytes, sizeof bytes);
            if (size <= 0) break;
            unsigned port = 0;
            struct lane *lane = lane_of(d, bytes, size, &port);
            nanoseconds due = lane ? arrival(d, lane, port, size) : 0;
            if (due == 0) continue;
            unsigned char *copy = allocated(malloc((size_t)size));
            memcpy(copy, bytes, (size_t)size);
            push(d, (struct packet){.due = due, .number = d->number++, .size = size, .bytes = copy});
        }
        if (count < BATCH) wait_for_more(d);
    }
    return NULL;
}

static int open_tun(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) fail("cannot open /dev/net/tun");
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(device, TUNSETIFF, &request) < 0) fail("cannot make a TUN device (as root?)");
    return device;
}

static struct lane new_lane(double rtt_ms, double rate_mbit, double flow_mbit, double loss_percent, double queue_ms) {
    return (struct lane){
        .ns_per_byte = 8000 / rate_mbit,
        .flow_ns_per_byte = flow_mbit > 0 ? 8000 / flow_mbit : 0,
        .loss = loss_percent / 100,
        .delay = (nanoseconds)(rtt_ms * 5e5),
        .longest_wait = (nanoseconds)(queue_ms * 1e6),
        .flow_free_at = allocated(calloc(PORTS, sizeof(nanoseconds))),
    };
}

static struct path read_path(const char *text) {
    char address[INET_ADDRSTRLEN];
    double rtt, rate, flow, loss, queue;
    struct path path;
    if (sscanf(text, "%15[0-9.],%lf,%lf,%lf,%lf,%lf", address, &rtt, &rate, &flow, &loss, &queue) != 6
        || inet_pton(AF_INET, address, &path.server) != 1 || rtt < 0 || rate <= 0 || flow < 0 || loss < 0
        || loss >= 100 || queue <= 0) {
        fprintf(stderr, "link: %s is not ADDRESS,RTT_MS,RATE_MBIT,FLOW_MBIT,LOSS_PERCENT,QUEUE_MS\n", text);
        exit(2);
    }
    path.up = new_lane(rtt, rate, flow, loss, queue);
    path.down = new_lane(rtt, rate, flow, loss, queue);
    return path;
}

int main(int count, char **words) {
    static struct path paths[MAX_PATHS];
    if (count < 4 || count > 3 + MAX_PATHS) {
        fprintf(stderr, "usage: link CLIENT_TUN SERVER_TUN PATH... (at most %d paths)\n", MAX_PATHS);
        return 2;
    }
    size_t path_count = (size_t)count - 3;
    for (size_t i = 0; i < path_count; i++) paths[i] = read_path(words[3 + i]);
    int client = open_tun(words[1]), server = open_tun(words[2]);
    struct direction up = {.from = client, .to = server, .upstream = 1, .paths = paths, .path_count = path_count, .seed = 1};
    struct direction down = {.from = server, .to = client, .paths = paths, .path_count = path_count, .seed = 2};
    /* A link does not wait for the programs that use it. Where that is not allowed, it may be slower. */
    struct sched_param first = {.sched_priority = 2};
    if (sched_setscheduler(0, SCHED_RR, &first) < 0) perror("link: runs without real-time priority");
    puts("ready");
    fflush(stdout);
    pthread_t thread;
    if ((errno = pthread_create(&thread, NULL, run, &up))) fail("cannot start a thread");
    run(&down);
}
