/* SPDX-License-Identifier: MIT */
/* What seams.h puts in the place of calls of the system; scenarios use it for their descriptors. */
#ifndef VELO_SCHED_SEAMS_CALLS_H
#define VELO_SCHED_SEAMS_CALLS_H

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>

int seam_mutex_lock(pthread_mutex_t *mutex);
int seam_mutex_trylock(pthread_mutex_t *mutex);
int seam_mutex_unlock(pthread_mutex_t *mutex);
int seam_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int seam_cond_wake(pthread_cond_t *cond, unsigned most);
int seam_thread_create(pthread_t *thread, void *(*fn)(void *arg), void *arg);
int seam_thread_join(pthread_t thread, void **result);
int seam_yield(void);
int seam_getaffinity(cpu_set_t *set);
long seam_syscall(long number, ...);
ssize_t seam_write(int fd, const void *bytes, size_t count);
ssize_t seam_read(int fd, void *bytes, size_t count);
int seam_epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event);
int seam_close(int fd);

#endif
