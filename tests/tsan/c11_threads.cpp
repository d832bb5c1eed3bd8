// C11's threads, over those of POSIX.  TSan knows only the latter: a thread that librdkafka begins
// with thrd_create would crash in it, and what its mutexes order would look like races of ours.
// The C library's own are the same thing; only `make sanitize-threads` links these in their place.
#include <cerrno>
#include <cstdint>
#include <memory>

#include <pthread.h>
#include <threads.h>

namespace {

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));

pthread_mutex_t* Posix(mtx_t* mutex) {
  return reinterpret_cast<pthread_mutex_t*>(mutex);
}
pthread_cond_t* Posix(cnd_t* condition) {
  return reinterpret_cast<pthread_cond_t*>(condition);
}

int Answer(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    case ENOMEM:
    case EAGAIN:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

struct Start {
  thrd_start_t run;
  void* with;
};

void* Run(void* of) {
  const std::unique_ptr<Start> start(static_cast<Start*>(of));
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start->run(start->with)));
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t run, void* with) {
  auto start = std::make_unique<Start>(Start{run, with});
  const int error = pthread_create(thread, nullptr, &Run, start.get());
  if (error == 0) (void)start.release();  // Run's
  return Answer(error);
}
int thrd_join(thrd_t thread, int* answer) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (answer != nullptr) *answer = static_cast<int>(reinterpret_cast<std::intptr_t>(value));
  return Answer(error);
}
int thrd_detach(thrd_t thread) {
  return Answer(pthread_detach(thread));
}

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t how;
  pthread_mutexattr_init(&how);
  if ((type & mtx_recursive) != 0) pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE);
  return Answer(pthread_mutex_init(Posix(mutex), &how));
}
int mtx_lock(mtx_t* mutex) {
  return Answer(pthread_mutex_lock(Posix(mutex)));
}
int mtx_trylock(mtx_t* mutex) {
  return Answer(pthread_mutex_trylock(Posix(mutex)));
}
int mtx_unlock(mtx_t* mutex) {
  return Answer(pthread_mutex_unlock(Posix(mutex)));
}
void mtx_destroy(mtx_t* mutex) {
  pthread_mutex_destroy(Posix(mutex));
}

int cnd_init(cnd_t* condition) {
  return Answer(pthread_cond_init(Posix(condition), nullptr));
}
int cnd_signal(cnd_t* condition) {
  return Answer(pthread_cond_signal(Posix(condition)));
}
int cnd_broadcast(cnd_t* condition) {
  return Answer(pthread_cond_broadcast(Posix(condition)));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return Answer(pthread_cond_wait(Posix(condition), Posix(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const struct timespec* until) {
  return Answer(pthread_cond_timedwait(Posix(condition), Posix(mutex), until));
}
void cnd_destroy(cnd_t* condition) {
  pthread_cond_destroy(Posix(condition));
}

}  // extern "C"
