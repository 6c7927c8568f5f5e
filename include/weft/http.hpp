// HTTP/1.1: messages, a server and a client.
#pragma once

#include <weft/http/client.hpp>
#include <weft/http/error.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/message.hpp>
#include <weft/http/server.hpp>
#include <weft/http/url.hpp>
