// What the examples in comments of public headers take for given: names of a program around them.
// Included by each context (see extract.py); nothing here is defined, as nothing is run.
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <array>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace given {

/// Takes anything.
template <class... T>
void use(T&&... values);

struct Url {};
struct Page {};
struct Row {};
struct Job {};
struct Config {};
struct Answer {};
struct Request {};

extern weft::StreamSocket stream;
extern std::array<std::byte, 4096> buffer;
extern weft::Runtime runtime;

}  // namespace given
