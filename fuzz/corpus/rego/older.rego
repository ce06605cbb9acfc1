package main

import future.keywords.in

deny[{"msg": m}] { m := "a" } { f(1, m) }

f(x, y) = z { x == 1; z := y } else = "b" { not input.a[x] > 3 }
contains(xs, x) { xs[_] == x }
violation[msg] {
  input.a
  (count(input.a) - 1) >= 0
  {"d": d} = input.c
  msg := [t | t := d][0]
}
exception[rules] { rules = ["", "deny"] }
