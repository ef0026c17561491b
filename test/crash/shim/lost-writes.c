/*
 * Models a power cut. Preloaded into the server, it keeps for every write to a file below PERDURE_SHIM_ROOT what stood there before, in a
 * side file (PERDURE_SHIM_UNDO) that lies elsewhere, until the file was synced. SIGKILL leaves all writes in the page cache; afterwards
 * the harness undoes those that no fsync had covered, newest first (shim.ts). So exactly what was not synced is gone.
 *
 *  - A record is in the side file before its write is made: a kill between the two undoes what was not done, which is nothing.
 *  - A sync drops the records of its file that were there when it began, after it has returned.
 *  - A new file counts as there for good once it was synced. Removing and renaming a file count as durable at once.
 *  - `*-shm` is left alone: it is mapped memory, rebuilt by whoever opens the file after a crash.
 *
 * Counters and the names of files lie in a mapped file (PERDURE_SHIM_STATE), so that the harness can prove that the shim saw the writes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 65536
#define MAX_FILES 64
#define NAME_BYTES 1024
#define MAGIC 0x5045524455524531ull

enum { WRITE = 1, CREATE = 2, SYNC = 3 };

struct record {
  uint64_t magic;
  uint32_t type;
  uint32_t file;
  uint64_t seq;    /* of the record; of a sync: the last record that it covers */
  uint64_t offset; /* of the bytes that were overwritten */
  uint64_t size;   /* of the file before */
  uint64_t kept;   /* bytes that follow: what stood there */
};

struct state {
  uint64_t magic, writes, bytes, syncs, truncates, creates, unsupported, files;
  char names[MAX_FILES][NAME_BYTES];
  char met[NAME_BYTES]; /* the last call that is not modelled, and its file */
};

struct watched {
  uint32_t file; /* index + 1; 0: none of ours */
  dev_t dev;
  ino_t ino;
};

static struct watched fds[MAX_FDS];
static uint64_t last_write[MAX_FILES], last_synced[MAX_FILES];
/* Made by this process and not synced yet: the seq of the making, else 0. */
static uint64_t made[MAX_FILES];
static uint64_t seq;
static int undo = -1;
static const char *root;
static struct state *state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static ssize_t real_pwrite(int fd, const void *bytes, size_t count, off64_t at) {
  static __typeof__(&pwrite64) call;
  if (call == NULL) call = REAL(pwrite64);
  return call(fd, bytes, count, at);
}

static void die(const char *why) {
  fprintf(stderr, "lost-writes: %s: %s\n", why, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *undo_path = getenv("PERDURE_SHIM_UNDO"), *state_path = getenv("PERDURE_SHIM_STATE");
  root = getenv("PERDURE_SHIM_ROOT");
  if (root == NULL || undo_path == NULL || state_path == NULL) {
    root = NULL;
    return;
  }
  undo = REAL(open64)(undo_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int fd = REAL(open64)(state_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (undo < 0 || fd < 0 || ftruncate(fd, sizeof(struct state)) != 0) die("cannot open its files");
  state = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (state == MAP_FAILED) die("cannot map its state");
  REAL(close)(fd);
  state->magic = MAGIC;
}

static int ours(const char *path) {
  size_t length = root == NULL ? 0 : strlen(root), whole = strlen(path);
  if (length == 0 || strncmp(path, root, length) != 0 || path[length] != '/') return 0;
  /* The ledger's files are written beside and renamed, which is not modelled: its own tests cut it before and after every change. */
  if (strncmp(path + length + 1, "ledger", 6) == 0) return 0;
  return whole < 4 || strcmp(path + whole - 4, "-shm") != 0;
}

static void not_modelled(const char *call, const char *path) {
  state->unsupported++;
  snprintf(state->met, sizeof state->met, "%s of %s", call, path);
}

static uint32_t file_of(const char *path) {
  for (uint32_t i = 0; i < state->files; i++)
    if (strcmp(state->names[i], path) == 0) return i + 1;
  if (state->files == MAX_FILES || strlen(path) >= NAME_BYTES) die("too many files");
  strcpy(state->names[state->files], path);
  return (uint32_t)++state->files;
}

/* The new name's file is gone, and the old name's has it. Called under the lock. */
static void renamed(const char *from, const char *to) {
  for (uint32_t i = 0; i < state->files; i++)
    if (strcmp(state->names[i], to) == 0) state->names[i][0] = 0;
  strcpy(state->names[file_of(from) - 1], to);
}

static void append(const struct record *head, const void *bytes) {
  struct iovec parts[2] = {{(void *)head, sizeof *head}, {(void *)bytes, head->kept}};
  static __typeof__(&writev) call;
  if (call == NULL) call = REAL(writev);
  if (call(undo, parts, head->kept > 0 ? 2 : 1) != (ssize_t)(sizeof *head + head->kept)) die("cannot keep a record");
}

/* The file of a descriptor, or 0. The number may have been closed behind our back and be another file's now. */
static uint32_t watched(int fd, struct stat *now) {
  if (state == NULL || fd < 0 || fd >= MAX_FDS || fds[fd].file == 0) return 0;
  if (fstat(fd, now) != 0 || now->st_dev != fds[fd].dev || now->st_ino != fds[fd].ino) {
    fds[fd].file = 0;
    return 0;
  }
  return fds[fd].file;
}

/* Keeps what `count` bytes at `offset` are now, before they are overwritten or cut off. Called under the lock. */
static void keep(int fd, uint32_t file, const struct stat *now, uint64_t offset, uint64_t count) {
  uint64_t size = (uint64_t)now->st_size;
  uint64_t kept = offset >= size ? 0 : (offset + count > size ? size - offset : count);
  char *bytes = kept > 0 ? malloc(kept) : NULL;
  if (kept > 0 && (bytes == NULL || pread64(fd, bytes, kept, (off64_t)offset) != (ssize_t)kept)) die("cannot read what is overwritten");
  struct record head = {MAGIC, WRITE, file, ++seq, offset, size, kept};
  append(&head, bytes);
  last_write[file - 1] = seq;
  free(bytes);
}

static void keep_made(uint32_t file) {
  struct record head = {MAGIC, CREATE, file, made[file - 1], 0, 0, 0};
  append(&head, NULL);
}

static void synced(uint32_t file, uint64_t upto) {
  pthread_mutex_lock(&lock);
  state->syncs++;
  last_synced[file - 1] = upto;
  int clean = 1;
  if (made[file - 1] <= upto) made[file - 1] = 0;
  for (uint32_t i = 0; i < state->files; i++) clean &= last_write[i] <= last_synced[i];
  if (clean) {
    if (REAL(ftruncate64)(undo, 0) != 0) die("cannot empty its records");
    for (uint32_t i = 0; i < state->files; i++)
      if (made[i] != 0) keep_made(i + 1);
  } else {
    struct record head = {MAGIC, SYNC, file, upto, 0, 0, 0};
    append(&head, NULL);
  }
  pthread_mutex_unlock(&lock);
}

/* ---- What the program calls ---- */

static int opened(int fd, const char *given, int flags, int was_there) {
  if (state == NULL || fd < 0 || fd >= MAX_FDS) return fd;
  fds[fd].file = 0;
  char link[64], path[NAME_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return fd;
  path[length] = 0;
  struct stat now;
  if (!ours(path) || fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) return fd;
  pthread_mutex_lock(&lock);
  uint32_t file = file_of(path);
  fds[fd] = (struct watched){file, now.st_dev, now.st_ino};
  if ((flags & O_TRUNC) != 0 && was_there) not_modelled("O_TRUNC", path);
  if ((flags & O_CREAT) != 0 && !was_there) {
    made[file - 1] = ++seq;
    keep_made(file);
    state->creates++;
  }
  pthread_mutex_unlock(&lock);
  (void)given;
  return fd;
}

#define OPEN(name, at, path, call)                        \
  mode_t mode = 0;                                        \
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {             \
    va_list rest;                                         \
    va_start(rest, flags);                                \
    mode = va_arg(rest, mode_t);                          \
    va_end(rest);                                         \
  }                                                       \
  int was_there = faccessat(at, path, F_OK, 0) == 0;      \
  return opened(call, path, flags, was_there)

int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD, path, REAL(open)(path, flags, mode)); }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD, path, REAL(open64)(path, flags, mode)); }
int openat(int at, const char *path, int flags, ...) { OPEN(openat, at, path, REAL(openat)(at, path, flags, mode)); }
int openat64(int at, const char *path, int flags, ...) { OPEN(openat64, at, path, REAL(openat64)(at, path, flags, mode)); }

int close(int fd) {
  static __typeof__(&close) call;
  if (call == NULL) call = REAL(close);
  if (fd >= 0 && fd < MAX_FDS) fds[fd].file = 0;
  return call(fd);
}

#define KEPT(fd, offset, count, call)                        \
  struct stat now;                                           \
  uint32_t file = watched(fd, &now);                         \
  if (file == 0) return call;                                \
  pthread_mutex_lock(&lock);                                 \
  keep(fd, file, &now, (uint64_t)(offset), (uint64_t)(count)); \
  state->writes++;                                           \
  state->bytes += (uint64_t)(count);                         \
  ssize_t done = call;                                       \
  pthread_mutex_unlock(&lock);                               \
  return done

static uint64_t total(const struct iovec *parts, int count) {
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { KEPT(fd, at, count, real_pwrite(fd, bytes, count, at)); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { KEPT(fd, at, count, real_pwrite(fd, bytes, count, at)); }
ssize_t write(int fd, const void *bytes, size_t count) {
  static __typeof__(&write) call;
  if (call == NULL) call = REAL(write);
  KEPT(fd, lseek64(fd, 0, SEEK_CUR), count, call(fd, bytes, count));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  static __typeof__(&writev) call;
  if (call == NULL) call = REAL(writev);
  KEPT(fd, lseek64(fd, 0, SEEK_CUR), total(parts, count), call(fd, parts, count));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  KEPT(fd, at, total(parts, count), REAL(pwritev64)(fd, parts, count, at));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  KEPT(fd, at, total(parts, count), REAL(pwritev64)(fd, parts, count, at));
}

static int cut(int fd, off64_t length) {
  struct stat now;
  uint32_t file = watched(fd, &now);
  if (file == 0) return REAL(ftruncate64)(fd, length);
  pthread_mutex_lock(&lock);
  keep(fd, file, &now, (uint64_t)length, length < now.st_size ? (uint64_t)(now.st_size - length) : 0);
  state->truncates++;
  int done = REAL(ftruncate64)(fd, length);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

#define SYNCED(call)                     \
  struct stat now;                       \
  uint32_t file = watched(fd, &now);     \
  if (file == 0) return call;            \
  pthread_mutex_lock(&lock);             \
  uint64_t upto = seq;                   \
  pthread_mutex_unlock(&lock);           \
  int done = call;                       \
  if (done == 0) synced(file, upto);     \
  return done

int fsync(int fd) { SYNCED(REAL(fsync)(fd)); }
int fdatasync(int fd) { SYNCED(REAL(fdatasync)(fd)); }

int unlink(const char *path) {
  if (state != NULL && ours(path)) {
    pthread_mutex_lock(&lock);
    uint32_t file = file_of(path);
    uint64_t upto = seq;
    pthread_mutex_unlock(&lock);
    int done = REAL(unlink)(path);
    if (done == 0) synced(file, upto);
    return done;
  }
  return REAL(unlink)(path);
}

/* What was not synced before is undone under the new name. */
int rename(const char *from, const char *to) {
  int below = state != NULL && ours(from);
  if (below != (state != NULL && ours(to))) not_modelled("rename in or out", from);
  if (!below) return REAL(rename)(from, to);
  pthread_mutex_lock(&lock);
  int done = REAL(rename)(from, to);
  if (done == 0) renamed(from, to);
  pthread_mutex_unlock(&lock);
  return done;
}

/* Not modelled: the harness refuses a run in which they were used on a watched file. */
int fallocate(int fd, int how, off_t at, off_t length) {
  struct stat now;
  uint32_t file = watched(fd, &now);
  if (file != 0) not_modelled("fallocate", state->names[file - 1]);
  return REAL(fallocate)(fd, how, at, length);
}
int posix_fallocate(int fd, off_t at, off_t length) {
  struct stat now;
  uint32_t file = watched(fd, &now);
  if (file != 0) not_modelled("posix_fallocate", state->names[file - 1]);
  return REAL(posix_fallocate)(fd, at, length);
}
