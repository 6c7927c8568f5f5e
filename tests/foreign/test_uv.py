"""libuv on weft, and weft on libuv."""

from programs import Beside, main


class Uv(Beside):
    def test_loops(self):
        self.run_tests()

    def test_a_libuv_server_in_a_weft_program(self):
        done = self.run_program("uv_on_weft")
        lines = ["echo: hello", "echo: is there", "echo: anybody?", "the loop has ended"]
        self.assertEqual((done.returncode, done.stdout.splitlines()), (0, lines))

    def test_tasks_in_a_libuv_program(self):
        done = self.run_program("weft_on_uv")
        lines = ["loop: a timer", "task: 5 bytes came back", "loop: nothing is left"]
        self.assertEqual((done.returncode, done.stdout.splitlines()), (0, lines))


if __name__ == "__main__":
    main()
