#include "support/held_names.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace weft::test {

namespace {

std::mutex mutex;
std::condition_variable changed;
bool holding = false;  // guarded by mutex, as is all that follows
std::size_t held = 0;
std::size_t releases = 0;

bool hold(std::string_view name) {
  if (!name.ends_with(".held")) return false;
  std::unique_lock lock(mutex);
  ++held;
  changed.notify_all();
  changed.wait(lock, [then = releases] { return !holding || releases != then; });
  --held;
  return true;
}

}  // namespace

HeldNames::HeldNames() {
  const std::lock_guard lock(mutex);
  holding = true;
}

HeldNames::~HeldNames() { release(); }

void HeldNames::release() {
  const std::lock_guard lock(mutex);
  holding = false;
  ++releases;
  changed.notify_all();
}

bool HeldNames::await(std::size_t count) {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, std::chrono::seconds(20), [&] { return held >= count; });
}

std::size_t HeldNames::count() {
  const std::lock_guard lock(mutex);
  return held;
}

}  // namespace weft::test

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  if (node != nullptr && weft::test::hold(node)) return EAI_NONAME;
  static const auto system =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return system(node, service, hints, result);
}
