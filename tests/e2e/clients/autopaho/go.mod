module dunlin/tests/autopaho

go 1.19

require github.com/eclipse/paho.golang v0.11.0

require (
	github.com/gorilla/websocket v1.4.2 // indirect
	golang.org/x/sync v0.0.0-20201207232520-09787c993a3a // indirect
)
