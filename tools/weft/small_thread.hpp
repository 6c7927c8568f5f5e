// A thread with a small stack, as a program with thousands of threads would use; joined by its
// destructor.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <utility>

namespace weft::tool {

class SmallThread {
 public:
  explicit SmallThread(std::move_only_function<void()> body) : body_(std::move(body)) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, stack_bytes);
    started_ = ::pthread_create(&thread_, &attributes, &SmallThread::enter, this) == 0;
    ::pthread_attr_destroy(&attributes);
  }
  ~SmallThread() {
    if (started_) ::pthread_join(thread_, nullptr);
  }
  SmallThread(const SmallThread&) = delete;
  SmallThread& operator=(const SmallThread&) = delete;
  [[nodiscard]] bool started() const noexcept { return started_; }

 private:
  static constexpr std::size_t stack_bytes = std::size_t{64} * 1024;

  static void* enter(void* self) {
    static_cast<SmallThread*>(self)->body_();
    return nullptr;
  }

  std::move_only_function<void()> body_;
  pthread_t thread_{};
  bool started_ = false;
};

}  // namespace weft::tool
