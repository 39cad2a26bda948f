"""cc_proto(name, src, grpc): C++ from one .proto by the system's protoc (and gRPC's plugin)."""

def cc_proto(name, src, grpc = False, visibility = ["//visibility:public"]):
    base = src[:-len(".proto")]
    outs = [base + ".pb.h", base + ".pb.cc"]
    cmd = "protoc -I. --cpp_out=$(GENDIR) $<"
    deps = ["//third_party:protobuf"]
    if grpc:
        outs += [base + ".grpc.pb.h", base + ".grpc.pb.cc"]
        cmd += " && protoc -I. --grpc_out=$(GENDIR) --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin $<"
        deps = ["//third_party:grpc"]
    native.genrule(name = name + "_gen", srcs = [src], outs = outs, cmd = cmd)
    native.cc_library(
        name = name,
        srcs = [o for o in outs if o.endswith(".cc")],
        hdrs = [o for o in outs if o.endswith(".h")],
        deps = deps,
        visibility = visibility,
    )
