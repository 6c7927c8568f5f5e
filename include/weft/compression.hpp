// Compression: encoders and decoders (<weft/compression/codec.hpp>), over readers and writers
// (<weft/compression/streams.hpp>), and in HTTP (<weft/compression/http.hpp>). The library
// weft::compression, on zlib, brotli and zstd.
#pragma once

#include <weft/compression/codec.hpp>
#include <weft/compression/http.hpp>
#include <weft/compression/streams.hpp>
