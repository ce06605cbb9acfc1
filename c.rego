package main
import data.lib.missing
deny[msg] { input.kind == "Pod"; to_number(input.metadata.name) == 1; msg := "a" }
deny[msg] { not missing.f(input.metadata.labels.zz); input.kind == "Pod"; msg := "b" }
deny_extra[msg] { input.kind == "Pod"; msg := "extra" }
violation[{"msg": m}] { some i; input.spec.containers[i].image == "x"; m := "img" }
