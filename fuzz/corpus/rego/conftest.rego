package main

import data.lib.names as names

default allowed := false

allowed if not input.c.d

deny contains msg if {
  some i, x in input.a
  not startswith(x, input.missing)
  msg := sprintf("%v at %d", [x, i])
}

warn_each contains {"msg": m, "n": n} if {
  every k, v in input.c { k != v }
  [m, n] := ["each", count([y | y := input.a[_]; y != null])]
} else := 1

violation contains "walked" if {
  walk(input, [path, {"d": value}])
  value == true with input.c as {"d": false}
  path[count(path) - 1] == `c`
}
