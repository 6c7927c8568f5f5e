// HTTP/1.1: messages (<weft/http/message.hpp>), a server (<weft/http/server.hpp>), a client
// (<weft/http/client.hpp>), and what stands around handlers: a router, middleware, cookies, forms,
// files (<weft/http/router.hpp>, <weft/http/middleware.hpp> …).
#pragma once

#include <weft/http/access_log.hpp>
#include <weft/http/body.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/body_writer.hpp>
#include <weft/http/client.hpp>
#include <weft/http/client_connection.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/conditional.hpp>
#include <weft/http/connector.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/cookie_jar.hpp>
#include <weft/http/cors.hpp>
#include <weft/http/date.hpp>
#include <weft/http/decoder.hpp>
#include <weft/http/error.hpp>
#include <weft/http/event_stream.hpp>
#include <weft/http/form.hpp>
#include <weft/http/handler.hpp>
#include <weft/http/headers.hpp>
#include <weft/http/incoming_response.hpp>
#include <weft/http/media_type.hpp>
#include <weft/http/message.hpp>
#include <weft/http/middleware.hpp>
#include <weft/http/multipart.hpp>
#include <weft/http/path_parameters.hpp>
#include <weft/http/proxy.hpp>
#include <weft/http/range.hpp>
#include <weft/http/router.hpp>
#include <weft/http/serializer.hpp>
#include <weft/http/server.hpp>
#include <weft/http/static_files.hpp>
#include <weft/http/transport.hpp>
#include <weft/http/upgraded_stream.hpp>
#include <weft/http/url.hpp>
