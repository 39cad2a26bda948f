"""The project's C++ rules: flags are held here once. One library per header/source pair, one test per library."""

COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wnon-virtual-dtor",
    "-Wno-unused-parameter",
]

def dunlin_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = COPTS + copts, **kwargs)

def dunlin_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = COPTS + copts, **kwargs)

def dunlin_test(name, srcs = None, deps = [], copts = [], **kwargs):
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cpp"],
        copts = COPTS + copts,
        deps = deps + ["//third_party:gtest_main"],
        **kwargs
    )

def dunlin_fuzz(name, srcs = None, deps = [], copts = [], **kwargs):
    """A libFuzzer target: build it with --config=fuzz. Left out of //... since it needs clang's runtime."""
    native.cc_binary(
        name = name,
        srcs = srcs or [name + ".cpp"],
        copts = COPTS + copts,
        deps = deps,
        testonly = True,
        tags = ["manual"],
        **kwargs
    )
