package main

import (
	"fmt"
	"net"
	"os"
)

func show(one *net.Interface, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	addresses, err := one.Addrs()
	fmt.Println(one.Index, one.Name, one.MTU, one.Flags, one.HardwareAddr, addresses, err)
}

func main() {
	switch os.Args[1] {
	case "interfaces":
		all, err := net.Interfaces()
		fmt.Println(len(all), err)
		for i := range all {
			show(&all[i], nil)
		}
	case "addresses":
		fmt.Println(net.InterfaceAddrs())
	case "by-name":
		show(net.InterfaceByName("lo"))
		show(net.InterfaceByName("nope"))
	case "by-index":
		show(net.InterfaceByIndex(1))
		show(net.InterfaceByIndex(999))
	}
}
