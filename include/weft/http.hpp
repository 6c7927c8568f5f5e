// HTTP/1.1: messages (<weft/http/message.hpp>), a server (<weft/http/server.hpp>) and a client
// (<weft/http/client.hpp>).
#pragma once

#include <weft/http/body.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/body_writer.hpp>
#include <weft/http/client.hpp>
#include <weft/http/client_connection.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/connector.hpp>
#include <weft/http/error.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/incoming_response.hpp>
#include <weft/http/message.hpp>
#include <weft/http/proxy.hpp>
#include <weft/http/server.hpp>
#include <weft/http/transport.hpp>
#include <weft/http/url.hpp>
