#include "support/held_names.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <string_view>

namespace weft::test {

// Of its own, as many files may be compiled as one.
namespace held_names {
namespace {

// Never destroyed: a look-up that was given up may end after the statics.
std::mutex& mutex = *new std::mutex;
std::condition_variable& changed = *new std::condition_variable;
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
}  // namespace held_names

HeldNames::HeldNames() {
  const std::lock_guard lock(held_names::mutex);
  held_names::holding = true;
}

HeldNames::~HeldNames() { release(); }

void HeldNames::release() {
  const std::lock_guard lock(held_names::mutex);
  held_names::holding = false;
  ++held_names::releases;
  held_names::changed.notify_all();
}

std::size_t HeldNames::count() {
  const std::lock_guard lock(held_names::mutex);
  return held_names::held;
}

}  // namespace weft::test

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  if (node != nullptr && weft::test::held_names::hold(node)) return EAI_NONAME;
  static const auto system =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return system(node, service, hints, result);
}
