// The page of a directory's entries, for StaticFiles.
#pragma once

#include <string_view>
#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include "http/file_tree.hpp"

namespace weft::inline v0_1::http {

/// `path`: of the request, for the title. Links are relative, names escaped. Throws IoError.
[[nodiscard]] Task<Response> directory_page(const FoundFile& directory, std::string_view path,
                                            bool hidden);

}  // namespace weft::inline v0_1::http
