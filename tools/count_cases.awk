# Of a ctest's Testing/Temporary/LastTest.log: how many cases ran and how many failed, as
# "ran failed". A program of googletest counts with its cases; any other test counts as one, and so
# does a program that ended before it could count.

function close_test() {
  if (!open) return
  open = 0
  if (ran == 0) ran = 1
  if (!passed && failed == 0) failed = 1
  all_ran += ran
  all_failed += failed
}

/^[0-9]+\/[0-9]+ Testing: / { close_test(); open = 1; ran = 0; failed = 0; passed = 0 }
/^\[==========\] [0-9]+ tests? from [0-9]+ test suites? ran/ { ran += $2 }
/^\[  FAILED  \] [0-9]+ tests?, listed below/ { failed += $4 }
/^Test (Passed\.|Pass Reason:)$/ { passed = 1 }
END { close_test(); print all_ran + 0, all_failed + 0 }
