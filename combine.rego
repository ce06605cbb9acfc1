package other
deny[msg] { input.kind == "Pod"; msg := "in other ns" }
