#!/usr/bin/env python3
"""Plants includes, headers and tables that break the layers. Run by tidy_test.py, or alone."""

import re
import unittest

from planted import HEADER, LAYERS, SOURCE, WEFT, TidyTest


class Layers(TidyTest):
    def test_a_folder_includes_itself_and_lower_layers(self):
        self.allow("src/net/x.hpp", HEADER + '#include <weft/x.hpp>\n#include "base/good.hpp"\n')
        self.allow("src/base/x.hpp", HEADER + '#include "base/good.hpp"\n')

    def test_a_higher_layer_is_refused(self):
        self.expect("src/event/x.hpp", HEADER + '#include "net/x.hpp"\n', "layer", 3)

    def test_an_edge_inside_a_layer_needs_an_entry(self):
        self.expect("src/event/x.hpp", HEADER + '#include "task/x.hpp"\n', "layer", 3)
        self.allow("src/task/x.hpp", HEADER + '#include "time/x.hpp"\n')
        self.expect("src/time/x.hpp", HEADER + '#include "task/x.hpp"\n', "layer", 3)

    def test_a_folder_may_be_held_to_fewer(self):
        self.expect("src/exec/x.hpp", HEADER + '#include "event/x.hpp"\n', "layer", 3)
        self.expect("src/http/x.hpp", HEADER + '#include "net/x.hpp"\n', "layer", 3)
        self.allow("src/http/x.hpp", HEADER + '#include "http/y.hpp"\n#include <weft/x.hpp>\n')

    def test_names_without_a_known_folder(self):
        self.expect("src/net/x.hpp", HEADER + '#include "good.hpp"\n', "layer", 3)
        self.expect("src/net/x.hpp", HEADER + "#include <base/good.hpp>\n", "layer", 3)
        self.expect("src/odd/x.hpp", HEADER, "layer", 1)

    def test_tests_may_use_the_support_folder(self):
        self.allow("src/net/x_test.cpp", '#include "support/fixture.hpp"\n')

    def test_examples_and_tools_are_users(self):
        self.expect("examples/x.cpp", SOURCE + '#include "base/good.hpp"\n', "private-include", 2)
        self.expect("tools/weft/x.cpp", SOURCE + '#include "net/x.hpp"\n', "private-include", 2)

    def test_an_edge_needs_a_reason_and_one_layer(self):
        self.layers(LAYERS.replace('reason = "planted"', 'reason = ""'))
        self.assertRaises(ValueError, self.found)
        self.layers(LAYERS.replace('to = "time"', 'to = "base"'))
        self.assertRaises(ValueError, self.found)

    def test_a_folder_that_is_listed_is_there(self):
        self.layers(LAYERS.replace("net = 4", "net = 4\ntrace = 1"))
        self.assertEqual(self.found(), [("tools/tidy/layers.toml", 1, "layer")])

    def test_the_rest_of_the_table_speaks_of_its_folders(self):
        for section, line in (
            ("[headers]", 'odd = ["good.hpp"]'),
            ("[only]", "odd = []"),
            ("[only]", 'net = ["odd"]'),
        ):
            self.layers(LAYERS.replace(section, f"{section}\n{line}"))
            self.assertRaisesRegex(ValueError, "odd is not in", self.found)
        self.layers(LAYERS.replace('["http"]', '["odd"]'))
        self.assertRaisesRegex(ValueError, "odd is not in", self.found)
        self.layers(LAYERS.replace("[only]", "[only]\nhttp = []"))
        self.assertRaisesRegex(ValueError, "http is in", self.found)

    def test_cycles(self):
        self.write("src/base/a.hpp", HEADER + '#include "base/b.hpp"\n')
        self.write("src/base/b.hpp", HEADER + '#include "base/c.hpp"\n')
        self.write("src/base/c.hpp", HEADER + '#include "base/a.hpp"\n')
        self.assertEqual(self.found(), [("src/base/c.hpp", 3, "cycle")])

    def test_cycles_of_public_headers(self):
        self.write("include/weft/a.hpp", HEADER + "#include <weft/b.hpp>\n")
        self.write("include/weft/b.hpp", HEADER + "#include <weft/a.hpp>\n")
        self.assertEqual(self.found(), [("include/weft/b.hpp", 3, "cycle")])


class PublicHeaders(TidyTest):
    def test_std_and_weft_only(self):
        self.allow("include/weft/x.hpp", HEADER + "#include <weft/y.hpp>\n#include <vector>\n")
        os_headers = ("<sys/socket.h>", "<unistd.h>", "<errno.h>", "<cerrno>")
        for name in (*os_headers, '"base/good.hpp"', "<llhttp.h>"):
            self.expect("include/weft/x.hpp", HEADER + f"#include {name}\n", "public-include", 3)

    def test_an_include_in_a_comment_is_none(self):
        hidden = "// #include <unistd.h>\n/*\n#include <unistd.h>\n*/\n"
        self.allow("include/weft/x.hpp", HEADER + hidden)


class HeaderTable(TidyTest):
    """The layout: users' headers, extend/, detail/ and parts, each of a folder of src/."""

    TABLE = """
        [folders]
        base = 0
        time = 1
        task = 2
        sync = 3
        stream = 4
        fiber = 4
        exec = 5
        reactor = 5
        runtime = 6
        http = 7
        tls = 7
        [only]
        exec = ["base", "task"]
        stream = ["base", "task"]
        [user]
        folders = ["http", "tls"]
        [umbrella]
        headers = ["weft.hpp", "http.hpp"]
        [headers]
        base = ["atomic.hpp", "detail/list.hpp"]
        task = ["task.hpp", "task_local.hpp", "detail/task_state.hpp"]
        sync = ["semaphore.hpp"]
        fiber = ["fiber.hpp"]
        stream = ["streams_ahead.hpp"]
        reactor = ["extend/operation.hpp"]
        runtime = ["runtime.hpp", "placement.hpp"]
        http = ["http/*", "http/detail/*"]
    """

    def plant(self) -> None:
        self.layers(self.TABLE)
        for folder in re.findall(r"^ +(\w+) = \d$", self.TABLE, re.M):
            self.write(f"src/{folder}/good.hpp", HEADER)
        listed = self.TABLE.split("[umbrella]")[1]
        names = re.findall(r"[\w/]+\.hpp", listed)
        for name in [*names, "http/url.hpp", "http/detail/parse.hpp"]:
            self.header(name, "")
        self.assertEqual(self.found(), [])

    def header(self, name: str, *used: str) -> None:
        includes = "".join(f"#include <weft/{other}>\n" for other in used if other)
        space = f"\n{WEFT}::detail {{}}\n" if "detail/" in name else ""
        self.write(f"include/weft/{name}", HEADER + includes + space)

    def refused(self, name: str, *used: str) -> None:
        """Expects that the last include of the public header is refused, and mends it."""
        self.header(name, *used)
        found = [(f"include/weft/{name}", 2 + len(used), "layer")]
        self.assertEqual(self.found(), found, used)
        self.header(name)

    def accepted(self, name: str, *used: str) -> None:
        self.header(name, *used)
        self.assertEqual(self.found(), [], used)
        self.header(name)

    def source(self, path: str, used: str, refused: bool) -> None:
        text = SOURCE + ("#pragma once\n" if path.endswith(".hpp") else "") + f"#include {used}\n"
        if refused:
            self.expect(path, text, "layer", text.count("\n"))
        else:
            self.allow(path, text)

    def test_a_header_belongs_to_one_folder(self):
        self.expect("include/weft/odd.hpp", HEADER, "header", 1)
        self.expect("include/weft/extend/odd.hpp", HEADER, "header", 1)
        self.allow("include/weft/http/odd.hpp", HEADER)
        for entry in ('"atomic.hpp"', '"weft.hpp"', '"http/url.hpp"', '"extend/*"'):
            self.layers(self.TABLE.replace('sync = ["', f'sync = [{entry}, "'))
            self.assertEqual([what for _, _, what in self.found()], ["header"], entry)

    def test_an_entry_names_a_header(self):
        for entry in ("odd.hpp", "model/*", "http/odd*", "detail.hpp"):
            self.layers(self.TABLE.replace('["semaphore.hpp"', f'["semaphore.hpp", "{entry}"'))
            self.assertEqual(self.found(), [("tools/tidy/layers.toml", 1, "header")], entry)

    def test_a_header_includes_what_its_folder_may(self):
        self.accepted("task_local.hpp", "task.hpp", "detail/task_state.hpp", "atomic.hpp")
        self.accepted("fiber.hpp", "semaphore.hpp", "detail/list.hpp")
        self.refused("detail/list.hpp", "detail/task_state.hpp")
        self.refused("semaphore.hpp", "task.hpp", "runtime.hpp")
        edge = '\n[[edge]]\nfrom = "fiber"\nto = "stream"\nreason = "planted"\n'
        self.refused("fiber.hpp", "streams_ahead.hpp")
        self.layers(self.TABLE + edge)
        self.accepted("fiber.hpp", "streams_ahead.hpp")

    def test_sources_and_private_headers_likewise(self):
        for name in ("x.cpp", "x.hpp", "x_test.cpp"):
            self.source(f"src/sync/{name}", "<weft/task.hpp>", refused=False)
            self.source(f"src/sync/{name}", "<weft/fiber.hpp>", refused=True)
            self.source(f"src/exec/{name}", "<weft/semaphore.hpp>", refused=True)

    def reaches_runtime(self, path: str) -> None:
        """Wherever placement.hpp is listed, one of the two includes on the way is refused."""
        self.header("placement.hpp", "runtime.hpp")
        self.source(path, "<weft/placement.hpp>", refused=True)
        unlisted = self.TABLE.replace(', "placement.hpp"', "")
        self.layers(unlisted.replace('"task.hpp"', '"task.hpp", "placement.hpp"'))
        text = HEADER if path.endswith(".hpp") else SOURCE
        self.write(path, text + "#include <weft/placement.hpp>\n")
        self.refused("placement.hpp", "runtime.hpp")

    def test_task_reaches_runtime_through_placement(self):
        self.reaches_runtime("src/task/resume_on.cpp")

    def test_exec_reaches_runtime_through_placement(self):
        self.reaches_runtime("src/exec/level.hpp")

    def test_time_includes_an_operation_of_the_reactor(self):
        self.source("src/time/wheel.hpp", "<weft/extend/operation.hpp>", refused=True)
        self.source("src/time/wheel.hpp", "<weft/detail/list.hpp>", refused=False)

    def test_a_header_of_task_includes_fiber(self):
        self.refused("task_local.hpp", "task.hpp", "fiber.hpp")

    def test_a_stream_includes_a_semaphore_although_only_excludes_sync(self):
        self.accepted("streams_ahead.hpp", "task.hpp")
        self.refused("streams_ahead.hpp", "task.hpp", "semaphore.hpp")
        self.layers(self.TABLE.replace('stream = ["base", "task"]', ""))
        self.accepted("streams_ahead.hpp", "task.hpp", "semaphore.hpp")

    def test_umbrellas_include_anything_and_are_included_by_programs_alone(self):
        self.accepted("weft.hpp", "runtime.hpp", "task.hpp", "detail/list.hpp")
        self.accepted("http.hpp", "http/url.hpp", "http/detail/parse.hpp")
        self.refused("runtime.hpp", "weft.hpp")
        self.refused("http/url.hpp", "http.hpp")
        self.source("src/http/server.cpp", "<weft/http.hpp>", refused=True)
        self.source("src/runtime/x_test.cpp", "<weft/weft.hpp>", refused=True)
        for path in ("examples/x.cpp", "tools/weft/x.cpp", "bench/x.cpp", "tests/api/x.cpp"):
            self.source(path, "<weft/weft.hpp>", refused=False)

    def test_folders_written_as_a_program_would_be(self):
        used = ("runtime.hpp", "extend/operation.hpp", "http/detail/parse.hpp")
        self.accepted("http/url.hpp", *used)
        self.refused("http/url.hpp", "task.hpp", "detail/task_state.hpp")
        self.source("src/http/x.cpp", "<weft/http/detail/parse.hpp>", refused=False)
        self.source("src/http/x.cpp", "<weft/detail/list.hpp>", refused=True)
        self.source("src/http/x.cpp", '"base/good.hpp"', refused=True)
        self.source("src/tls/x.cpp", "<weft/http/url.hpp>", refused=False)
        self.source("src/tls/x.cpp", "<weft/http/detail/parse.hpp>", refused=True)
        self.source("src/runtime/x.cpp", "<weft/http/url.hpp>", refused=True)

    def test_programs_include_no_detail(self):
        for path in ("examples/x.cpp", "tools/weft/x.cpp", "bench/core/x.cpp"):
            for name in ("detail/list.hpp", "http/detail/parse.hpp"):
                self.expect(path, SOURCE + f"#include <weft/{name}>\n", "private-include", 2)
            self.allow(path, SOURCE + "#include <weft/extend/operation.hpp>\n")
        self.allow("bench/core/x.cpp", SOURCE + '#include "base/good.hpp"\n')

    def test_detail_has_a_namespace_of_its_own(self):
        path = "include/weft/detail/list.hpp"
        for space in (f"{WEFT}::detail {{", f"{WEFT}::detail::lists {{"):
            self.write(path, HEADER + space + "}\n")
            self.assertEqual(self.found(), [])
        for space in (f"{WEFT} {{", f"{WEFT}::details {{", f"// {WEFT}::detail"):
            self.write(path, HEADER + space + "\n")
            self.assertEqual(self.found(), [(path, 1, "detail")], space)
        self.write(path, HEADER + f"{WEFT}::detail {{}}\n")
        text = HEADER + f"{WEFT}::http::detail {{}}\n"
        self.write("include/weft/http/detail/parse.hpp", text)
        self.assertEqual(self.found(), [])

    def test_documentation_does_not_name_detail(self):
        path = "include/weft/task.hpp"
        for said in ("see weft::detail::X", "<weft/detail/list.hpp>", "as in `detail`"):
            self.write(path, HEADER + f"/// {said}\n")
            self.assertEqual(self.found(), [(path, 3, "detail")], said)
        for good in ("// details follow", f"{WEFT}::detail {{\n}}  // {WEFT}::detail"):
            self.write(path, HEADER + good + "\nusing X = detail::X;\n")
            self.assertEqual(self.found(), [])
        self.write(path, HEADER)
        self.allow("include/weft/http/odd.hpp", HEADER + "// as in detail::X\n")


if __name__ == "__main__":
    unittest.main()
