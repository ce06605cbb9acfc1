package main
dney[msg] { input.kind == "Pod"; msg := "typo" }
