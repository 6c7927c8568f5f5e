// For the examples that talk to a delay server: `weft delay`, the program of this repository. It is
// started as a child process, on a free port of this machine; or one that runs already is used.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "pipe.hpp"

class DelayServer {
 public:
  /// `port`: that of a server on this machine which runs already, or is just being started. 0:
  /// starts one, which ends with this object.
  explicit DelayServer(std::uint16_t port = 0) : port_(port) {
    if (port == 0) {
      start();
    } else {
      await_start();
    }
  }
  ~DelayServer() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);  // it has nothing to lose
    waitpid(child_, nullptr, 0);
  }
  DelayServer(const DelayServer&) = delete;
  DelayServer& operator=(const DelayServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  /// build/release/tools/weft/weft, for a program in build/release/examples/guide.
  static std::string program() {
    const auto self = std::filesystem::canonical("/proc/self/exe").parent_path();
    const auto path = (self / "../../tools/weft/weft").lexically_normal();
    if (exists(path)) return path.string();
    throw std::runtime_error("there is no " + path.string() +
                             ": cmake --build --preset release --target weft_program, and put "
                             "this program into build/release/examples/guide");
  }

  void start() {
    std::string path = program();
    std::string words[] = {"weft", "delay", "--listen", "127.0.0.1:0", "--workers", "1"};
    // With this one it also ends if this program is killed.
    std::string last = "--die-with-parent";
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                         words[4].data(), words[5].data(), last.data(),     nullptr};
    const Pipe output;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output.writer(), STDOUT_FILENO);
    const int error = posix_spawn(&child_, path.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error(error, std::generic_category(), path);

    std::string line;  // "listening on 127.0.0.1:40123"
    for (char byte = output.take(); byte != '\n' && byte != '\0'; byte = output.take())
      line += byte;
    port_ = static_cast<std::uint16_t>(std::atoi(line.substr(line.rfind(':') + 1).c_str()));
  }

  /// Returns when something listens at the port. Throws after five seconds without.
  void await_start() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    for (int attempt = 0; attempt < 500; ++attempt) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      // SAFETY: the sockets API takes every address as its common head.
      const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
      close(fd);
      if (result == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("nothing listens at 127.0.0.1:" + std::to_string(port_));
  }

  pid_t child_ = 0;
  std::uint16_t port_;
};
