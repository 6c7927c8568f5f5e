#include "process_usage.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace weft::tool {

namespace {

// Returns the number after "key:" in one of the status files of /proc; 0 if there is none.
std::uint64_t number_after(const std::string& text, std::string_view key) {
  const std::size_t found = text.find("\n" + std::string(key) + ":");
  if (found == text.npos) return 0;
  const std::size_t begin = text.find_first_of("0123456789", found + key.size());
  std::uint64_t value = 0;
  if (begin != text.npos) std::from_chars(text.data() + begin, text.data() + text.size(), value);
  return value;
}

std::string whole_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return "\n" + std::string(std::istreambuf_iterator<char>(file), {});
}

std::chrono::nanoseconds cpu_of(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

ProcessUsage usage_of(pid_t process) {
  const std::filesystem::path root = "/proc/" + std::to_string(process);
  const std::string status = whole_file(root / "status");
  ProcessUsage usage;
  usage.cpu = cpu_of(process);
  // Not getrusage's ru_maxrss, which starts at the parent's size, since it survives exec.
  usage.memory_bytes = number_after(status, "VmRSS") * 1024;
  usage.peak_memory_bytes = number_after(status, "VmHWM") * 1024;
  usage.threads = number_after(status, "Threads");
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(root / "task", error)) {
    const std::string text = whole_file(thread.path() / "status");
    usage.voluntary_switches += number_after(text, "voluntary_ctxt_switches");
    usage.involuntary_switches += number_after(text, "nonvoluntary_ctxt_switches");
  }
  return usage;
}

ProcessUsage usage_of_self() {
  ProcessUsage usage = usage_of(::getpid());
  rusage own{};
  if (::getrusage(RUSAGE_SELF, &own) == 0) {  // this one counts ended threads as well
    usage.voluntary_switches = static_cast<std::uint64_t>(own.ru_nvcsw);
    usage.involuntary_switches = static_cast<std::uint64_t>(own.ru_nivcsw);
  }
  return usage;
}

}  // namespace weft::tool
