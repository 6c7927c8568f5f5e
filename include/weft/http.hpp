// HTTP/1.1: messages, a server and a client.
#pragma once

#include <weft/http_client.hpp>
#include <weft/http_error.hpp>
#include <weft/http_headers.hpp>
#include <weft/http_message.hpp>
#include <weft/http_server.hpp>
#include <weft/http_url.hpp>
