// What the thread sanitizer (--config=tsan) has to be told: Debian's libcaf_core is not built with
// it, so it does not see how an actor's mailbox hands a message over. Nothing in other builds.
//
//   enqueue: DUNLIN_TSAN_RELEASE(this);   before a message is handled: DUNLIN_TSAN_ACQUIRE(this);
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#define DUNLIN_TSAN_RELEASE(p) __tsan_release(p)
#define DUNLIN_TSAN_ACQUIRE(p) __tsan_acquire(p)
#else
#define DUNLIN_TSAN_RELEASE(p)
#define DUNLIN_TSAN_ACQUIRE(p)
#endif
