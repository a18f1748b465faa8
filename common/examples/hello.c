/* SPDX-License-Identifier: MIT */
/*
 * The life of a loop: created, given work by two threads, run until idle, destroyed.
 * Callbacks run on one thread only, so what they share needs no lock.
 */
#include <velo.h>

#include <pthread.h>
#include <stdio.h>

struct greeting {
    struct velo_loop *loop;
    int count; /* touched by callbacks only */
};

static void say_hello(void *arg)
{
    struct greeting *greeting = arg;
    greeting->count++;
    printf("hello from %s\n", velo_impl()->name);
}

static void *submit_hello(void *arg)
{
    struct greeting *greeting = arg;
    int rc = velo_submit(greeting->loop, say_hello, greeting);
    if (rc != 0)
        fprintf(stderr, "submit: %s\n", velo_strerror(rc));
    return NULL;
}

int main(void)
{
    struct greeting greeting = {NULL, 0};
    int rc = velo_loop_create(&greeting.loop, NULL);
    if (rc != 0) {
        fprintf(stderr, "create: %s\n", velo_strerror(rc));
        return 1;
    }

    pthread_t other;
    if (pthread_create(&other, NULL, submit_hello, &greeting) != 0)
        return 1;
    submit_hello(&greeting);
    pthread_join(other, NULL);

    rc = velo_loop_run(greeting.loop, VELO_RUN_UNTIL_IDLE);
    if (rc != 0)
        fprintf(stderr, "run: %s\n", velo_strerror(rc));
    velo_loop_destroy(greeting.loop);
    return rc == 0 && greeting.count == 2 ? 0 : 1;
}
