#include <weft/http/access_log.hpp>

#include <array>
#include <charconv>
#include <mutex>
#include <optional>

namespace weft::inline v0_1::http {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// Appends `text` so that it stays within its quotes and its line. `by`: "\\x" or "\\u00".
void append_escaped(std::string& out, std::string_view text, std::string_view by) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out.push_back(c);
    } else if (by == "\\u00" && (c == '"' || c == '\\')) {
      out.append("\\").push_back(c);
    } else {
      out.append(by).push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

[[nodiscard]] std::string two(unsigned value) {
  return {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
}

struct Calendar {
  explicit Calendar(std::chrono::system_clock::time_point time)
      : day(std::chrono::floor<std::chrono::days>(time)),
        date(day),
        clock(std::chrono::floor<std::chrono::milliseconds>(time) - day) {}

  std::chrono::sys_days day;
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock;

  [[nodiscard]] std::string time() const {
    return two(static_cast<unsigned>(clock.hours().count())) + ":" +
           two(static_cast<unsigned>(clock.minutes().count())) + ":" +
           two(static_cast<unsigned>(clock.seconds().count()));
  }
};

/// "02/Dec/2026:18:22:00 +0000".
[[nodiscard]] std::string common_time(std::chrono::system_clock::time_point when) {
  const Calendar at(when);
  const std::size_t month = static_cast<unsigned>(at.date.month()) - 1;
  std::string text = two(static_cast<unsigned>(at.date.day()));
  text.append("/").append(&"JanFebMarAprMayJunJulAugSepOctNovDec"[month * 3], 3).append("/");
  text.append(std::to_string(static_cast<int>(at.date.year()))).append(":").append(at.time());
  return text.append(" +0000");
}

/// "2026-12-02T18:22:00.123Z".
[[nodiscard]] std::string iso_time(std::chrono::system_clock::time_point when) {
  const Calendar at(when);
  std::string text = std::to_string(static_cast<int>(at.date.year()));
  text.append("-").append(two(static_cast<unsigned>(at.date.month()))).append("-");
  text.append(two(static_cast<unsigned>(at.date.day()))).append("T").append(at.time());
  const auto ms = static_cast<unsigned>(at.clock.subseconds().count());
  return text.append(".").append(1, static_cast<char>('0' + ms / 100)).append(two(ms % 100)) + "Z";
}

void append_quoted(std::string& out, std::string_view text) {
  out.append(" \"");
  append_escaped(out, text.empty() ? "-" : text, "\\x");
  out.push_back('"');
}

[[nodiscard]] std::string common_line(const AccessRecord& record, bool combined) {
  std::string line;
  append_escaped(line, record.client.empty() ? "-" : record.client, "\\x");
  line.append(" - - [").append(common_time(record.began)).append("] \"");
  append_escaped(line, record.method + " " + record.target + " " + record.version, "\\x");
  line.append("\" ").append(std::to_string(record.status)).append(" ");
  line.append(record.bytes == 0 ? "-" : std::to_string(record.bytes));
  if (combined) {
    append_quoted(line, record.referer);
    append_quoted(line, record.agent);
  }
  return line;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(out.size() > 1 ? ",\"" : "\"").append(name).append("\":\"");
  append_escaped(out, text, "\\u00");
  out.push_back('"');
}

[[nodiscard]] std::string json_line(const AccessRecord& record) {
  std::string line("{");
  append_member(line, "time", iso_time(record.began));
  append_member(line, "client", record.client);
  append_member(line, "method", record.method);
  append_member(line, "target", record.target);
  append_member(line, "version", record.version);
  line.append(",\"status\":").append(std::to_string(record.status));
  line.append(",\"bytes\":").append(std::to_string(record.bytes));
  std::array<char, 32> seconds;
  const double took = std::chrono::duration<double>(record.took).count();
  const auto end = std::to_chars(seconds.data(), seconds.data() + seconds.size(), took,
                                 std::chars_format::fixed, 6);
  line.append(",\"seconds\":").append(seconds.data(), end.ptr);
  line.append(",\"complete\":").append(record.complete ? "true" : "false");
  if (!record.referer.empty()) append_member(line, "referer", record.referer);
  if (!record.agent.empty()) append_member(line, "agent", record.agent);
  if (!record.id.empty()) append_member(line, "id", record.id);
  return line.append("}");
}

/// The record of one request, which is written at its end, whatever that is.
class OpenRecord {
 public:
  OpenRecord(AccessLog log, const Request& request) : log_(std::move(log)), start_(now()) {
    record_.began = std::chrono::system_clock::now();
    record_.method = to_string(request.method);
    record_.target = request.target;
    record_.version = request.version == Version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
    record_.referer = request.headers.find("Referer").value_or("");
    record_.agent = request.headers.find("User-Agent").value_or("");
    record_.client = request.peer != nullptr ? client_of(*request.peer) : "-";
  }
  OpenRecord(const OpenRecord&) = delete;
  OpenRecord& operator=(const OpenRecord&) = delete;
  ~OpenRecord() {
    record_.took = now() - start_;
    log_.write(record_);
  }
  [[nodiscard]] AccessRecord& record() noexcept { return record_; }

 private:
  [[nodiscard]] static std::string client_of(const Endpoint& peer) {
    std::string text = peer.to_string();
    const std::size_t colon = text.rfind(':');
    if (colon != std::string::npos && !text.starts_with("unix:")) text.resize(colon);
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    return text;
  }

  AccessLog log_;
  TimePoint start_;
  AccessRecord record_;
};

/// Counts a streamed body on its way.
class CountedBody final : public BodyProducer {
 public:
  CountedBody(StreamedBody inner, std::shared_ptr<OpenRecord> open)
      : BodyProducer(inner.length()), inner_(std::move(inner)), open_(std::move(open)) {
    open_->record().complete = false;
  }
  [[nodiscard]] Task<void> produce(BodyWriter& out) override {
    return count(inner_, out, open_->record());
  }

 private:
  struct Count {
    Count(BodyWriter& writer, AccessRecord& counted) noexcept
        : out(writer), record(counted), before(writer.bytes_written()) {}
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { record.bytes = out.bytes_written() - before; }
    BodyWriter& out;
    AccessRecord& record;
    std::uint64_t before;
  };
  static Task<void> count(StreamedBody& inner, BodyWriter& out, AccessRecord& record) {
    const Count counted(out, record);
    co_await inner.produce(out);
    record.complete = true;
  }

  StreamedBody inner_;
  std::shared_ptr<OpenRecord> open_;
};

Task<Response> logged(Request& request, Next next, const AccessLog& log) {
  const auto open = std::make_shared<OpenRecord>(log, request);
  const bool head = request.method == Method::head;
  Response response = co_await next(request);
  AccessRecord& record = open->record();
  record.status = response.status.code();
  record.id = response.headers.find("X-Request-Id").value_or("");
  if (head || record.status == 304 || record.status == 204) co_return response;
  record.bytes = response.body.size();
  if (response.streamed) {
    const auto counted = std::make_shared<CountedBody>(std::move(response.streamed), open);
    response.streamed = StreamedBody(counted);
  }
  co_return response;
}

}  // namespace

struct AccessLog::Shared {
  Shared(Form its_form, Sink its_sink) : form(its_form), sink(std::move(its_sink)) {}
  Form form;
  Sink sink;
  ThreadMutex mutex;  // a line at a time
};

AccessLog::AccessLog(Form form, Sink sink)
    : shared_(std::make_shared<Shared>(form, std::move(sink))) {}

void AccessLog::write(const AccessRecord& record) const noexcept try {
  const std::string text = line(shared_->form, record) + "\n";
  const std::lock_guard lock(shared_->mutex);
  shared_->sink(text);
} catch (...) {  // as the constructor's contract has it
}

std::string AccessLog::line(Form form, const AccessRecord& record) {
  return form == Form::json ? json_line(record) : common_line(record, form == Form::combined);
}

AnyMiddleware log_access(AccessLog log) {
  return [log = std::move(log)](Request& request, Next next) -> Task<Response> {
    return logged(request, next, log);
  };
}

}  // namespace weft::inline v0_1::http
