/* Stands between a process and the file system below one folder: logs every call that changes something, and lets the
 * k-th of them fail. Loaded with LD_PRELOAD; off until `shim_arm` is called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static int log_descriptor = -1;
static long fail_at = -1, calls;
static int fail_errno;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Below `folder` calls count; they are logged to `log`, unless that is -1; call number `at` fails with `error`, or, where
 * `error` is 0 and it is a write, writes only half. */
void shim_arm(const char *folder, int log, long at, int error) {
    strncpy(root, folder, sizeof root - 1);
    log_descriptor = log;
    fail_at = at;
    fail_errno = error;
    calls = 0;
}

long shim_calls(void) { return calls; }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_ours(const char *path) { return root[0] && strncmp(path, root, strlen(root)) == 0; }

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static void put(const void *bytes, uint32_t length) {
    if (REAL(write)(log_descriptor, bytes, length) != (ssize_t)length) _exit(99);
}

/* A record: kind, path, other path or bytes, a number; texts and bytes after their length. */
static void note(char kind, const char *path, const void *more, uint32_t length, int64_t number) {
    if (log_descriptor < 0) return;
    uint32_t path_length = strlen(path);
    put(&kind, 1);
    put(&path_length, 4);
    put(path, path_length);
    put(&length, 4);
    if (length) put(more, length);
    put(&number, 8);
}

/* Whether this call is the one that fails. The lock is held from here until `leave`: the log is in the order of the calls. */
static int enter(void) {
    pthread_mutex_lock(&lock);
    return ++calls == fail_at;
}

static void leave(void) {
    int saved = errno;
    pthread_mutex_unlock(&lock);
    errno = saved;
}

#define GUARD(real, failed, noted)                                                                                     \
    do {                                                                                                               \
        __typeof__(real) result;                                                                                       \
        if (enter() && fail_errno) {                                                                                   \
            errno = fail_errno;                                                                                        \
            result = failed;                                                                                           \
        } else if ((result = (real)) != failed) {                                                                      \
            noted;                                                                                                     \
        }                                                                                                              \
        leave();                                                                                                       \
        return result;                                                                                                 \
    } while (0)

ssize_t write(int descriptor, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!path_of(descriptor, path)) return REAL(write)(descriptor, bytes, length);
    size_t part = fail_errno == 0 && calls + 1 == fail_at && length > 1 ? length / 2 : length;
    GUARD(REAL(write)(descriptor, bytes, part), (ssize_t)-1, note('w', path, bytes, result, 0));
}

ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
    char path[PATH_MAX];
    if (!path_of(descriptor, path)) return REAL(writev)(descriptor, pieces, count);
    return write(descriptor, pieces[0].iov_base, pieces[0].iov_len);
}

int ftruncate64(int descriptor, off64_t length) {
    char path[PATH_MAX];
    if (!path_of(descriptor, path)) return REAL(ftruncate64)(descriptor, length);
    GUARD(REAL(ftruncate64)(descriptor, length), -1, note('t', path, 0, 0, length));
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

int fsync(int descriptor) {
    char path[PATH_MAX];
    if (!path_of(descriptor, path)) return REAL(fsync)(descriptor);
    GUARD(0, -1, note('s', path, 0, 0, 0));
}

int fdatasync(int descriptor) { return fsync(descriptor); }

int syncfs(int descriptor) {
    char path[PATH_MAX];
    if (!path_of(descriptor, path)) return REAL(syncfs)(descriptor);
    GUARD(0, -1, note('S', path, 0, 0, 0));
}

int rename(const char *from, const char *to) {
    if (!is_ours(from)) return REAL(rename)(from, to);
    GUARD(REAL(rename)(from, to), -1, note('r', from, to, strlen(to), 0));
}

int unlink(const char *path) {
    if (!is_ours(path)) return REAL(unlink)(path);
    GUARD(REAL(unlink)(path), -1, note('u', path, 0, 0, 0));
}

int mkdir(const char *path, mode_t mode) {
    if (!is_ours(path)) return REAL(mkdir)(path, mode);
    GUARD(REAL(mkdir)(path, mode), -1, note('d', path, 0, 0, 0));
}

static int open_noting(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!is_ours(path) || !(flags & (O_CREAT | O_TRUNC))) return real(path, flags, mode);
    int is_new = REAL(access)(path, F_OK) != 0;
    GUARD(real(path, flags, mode), -1, {
        if (is_new) note('c', path, 0, 0, 0);
        if (flags & O_TRUNC) note('t', path, 0, 0, 0);
    });
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_noting(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_noting(REAL(open64), path, flags, mode);
}
