/// A small tree that breaks one rule in one place, beside one that keeps it.
struct Sample: Sendable {
    let rule: Rule
    let offending: [String: String]
    /// Where the offence must be reported.
    let at: String
    let clean: [String: String]

    init(_ rule: Rule, offending: [String: String], at: String, clean: [String: String]) {
        self.rule = rule
        self.offending = offending
        self.at = at
        self.clean = clean
    }

    /// Both trees are one file of this path.
    init(_ rule: Rule, _ path: String, offending: String, line: Int = 1, clean: String) {
        self.init(rule, offending: [path: offending], at: "\(path):\(line)", clean: [path: clean])
    }

    static let all: [Sample] = repository + rooms + lengths + language + use

    private static let repository: [Sample] = [
        Sample(
            .topLevel, offending: ["scripts/go.sh": ""], at: "scripts:0",
            clean: [".ci/run": "", "Makefile": ""]),
        Sample(
            .sizes, offending: ["Sources/Networks/vocabulary.txt": .bytes(1_000_001)],
            at: "Sources/Networks/vocabulary.txt:0",
            clean: [
                "Tests/Fixtures/map.png": .bytes(1_000_001),
                "Sources/Networks/vocabulary.txt": .bytes(1_000_000),
            ]),
        Sample(
            .sizes, offending: ["Sources/dsegd/Resources/huge": .bytes(2_000_000)],
            at: "Sources/dsegd/Resources/huge:0",
            clean: ["Sources/dsegd/Resources/demo/unet/model": .bytes(2_000_000)]),
        Sample(.readme, "README.md", offending: .rows(200), line: 200, clean: .rows(199)),
        Sample(
            .readme, "README.md", offending: "A map.\nSee `Sources/Gone/Map.swift`.", line: 2,
            clean: "See `README.md`, `dseg mask a.png`, `Sources/*.c`."),
        Sample(
            .continuousIntegration,
            offending: ["Makefile": .makefile, ".ci/run": "# make test\nswift test\n"],
            at: ".ci/run:0", clean: ["Makefile": .makefile, ".ci/run": "time make test\n"]),
        Sample(
            .continuousIntegration, offending: ["Makefile": "test:\n", ".ci/run": "make test\n"],
            at: "Makefile:0", clean: ["Makefile": .makefile, ".ci/run": "make test\n"]),
    ]

    private static let rooms: [Sample] = [
        Sample(
            .imports, "Sources/RPC/Wire.swift", offending: "import CZstd\nimport NIOCore\n",
            line: 2,
            clean: "import CZstd\n// import NIOCore\ninternal import Glibc\n"),
        Sample(
            .imports, "Sources/Kernels/Matrix.swift", offending: "package import Networks\n",
            clean: "package import CKernels\n"),
        Sample(
            .imports, "Sources/Results/Mask.swift", offending: "import Foundation\n",
            clean: "import FoundationEssentials\n"),
        Sample(
            .imports, "Sources/dseg/Main.swift",
            offending: "@preconcurrency import struct Segmentation.Recipe\n",
            clean: "import struct RPC.Header\n"),
        Sample(
            .imports, offending: ["Sources/dsegd/Serve.swift": "import Networks"],
            at: "Sources/dsegd/Serve.swift:1",
            clean: ["Sources/Verification/Goldens.swift": "import Networks"]),
        Sample(
            .imports, offending: ["Sources/Attic/A.swift": ""], at: "Sources/Attic/A.swift:0",
            clean: ["Sources/Images/A.swift": ""]),
        Sample(
            .tested,
            offending: ["Package.swift": "", "Tests/WireTests/A.swift": ""], at: "Package.swift:0",
            clean: [
                "Package.swift": ".testTarget(name: \"WireTests\")", "Tests/WireTests/A.swift": "",
            ]),
        Sample(
            .tested,
            offending: ["Package.swift": ".testTarget(name: \"WireTests\")", "Tests/Wires/A.swift": ""],
            at: "Package.swift:0",
            clean: [
                "Package.swift": ".testTarget(name: \"WireTests\", path: \"Tests/Wires\")",
                "Tests/Wires/A.swift": "",
            ]),
        Sample(
            .includes, "Sources/CImages/a.c", offending: "#include <png.h>\n#include <zstd.h>\n", line: 2,
            clean: "#include <png.h>\n#include <string.h>\n"),
        Sample(
            .includes,
            offending: ["Sources/CImages/a.c": "#include \"k.h\"", "Sources/CKernels/include/k.h": ""],
            at: "Sources/CImages/a.c:1",
            clean: ["Sources/CKernels/a.c": "#include \"k.h\"", "Sources/CKernels/include/k.h": ""]),
        Sample(
            .includes, "Sources/CKernels/a.c", offending: "#include <string.h>\n # include <fftw3.h>\n", line: 2,
            clean: "#include <string.h>\n # include <math.h>\n"),
        Sample(
            .includes, offending: ["Sources/CAttic/a.c": ""], at: "Sources/CAttic/a.c:0",
            clean: ["Sources/CImages/a.c": ""]),
        Sample(
            .circles,
            offending: [
                "Sources/CKernels/a-inl.h": "static void a(void) {\n    dseg_b();\n}\n",
                "Sources/CKernels/b.c": "#include \"a-inl.h\"\nvoid dseg_b(void) {\n}\n",
            ],
            at: "Sources/CKernels/a-inl.h:0",
            clean: [
                "Sources/CKernels/a-inl.h": "static void a(void) {\n}\n",
                "Sources/CKernels/b.c": "#include \"a-inl.h\"\nvoid dseg_b(void) {\n}\n",
            ]),
        Sample(
            .circles,
            offending: [
                "Sources/CKernels/a.c": "void dseg_a(void) {\n    dseg_b();\n}\n",
                "Sources/CKernels/b.c": "void dseg_b(void) {\n}\nvoid dseg_c(void) {\n    dseg_a();\n}\n",
            ],
            at: "Sources/CKernels/a.c:0",
            clean: [
                "Sources/CKernels/a.c": "void dseg_a(void) {\n    dseg_b();\n}\nstatic void c(void) {\n}\n",
                "Sources/CKernels/b.c": "void dseg_b(void) {\n    c();\n}\nstatic void c(void) {\n}\n",
            ]),
        Sample(
            .circles, offending: ["Sources/CKernels/a.h": "#include \"a.h\""], at: "Sources/CKernels/a.h:0",
            clean: ["Sources/CKernels/a.h": "#include \"b.h\"", "Sources/CKernels/b.h": ""]),
        Sample(
            .manifest,
            offending: [
                "Package.swift": .manifest("\"RPC\", .product(name: \"NIOCore\", package: \"swift-nio\")"),
                "Sources/dseg/A.swift": "import NIOCore\nimport RPC",
            ],
            at: "Package.swift:2",
            clean: [
                "Package.swift": .manifest(
                    "\"RPC\", .product(name: \"ArgumentParser\", package: \"swift-argument-parser\")"),
                "Sources/dseg/A.swift": "import ArgumentParser\nimport RPC",
            ]),
        Sample(
            .manifest,
            offending: ["Package.swift": .manifest("\"RPC\", \"Results\""), "Sources/dseg/A.swift": "import RPC"],
            at: "Package.swift:2",
            clean: ["Package.swift": .manifest("\"RPC\""), "Sources/dseg/A.swift": "import RPC"]),
        Sample(
            .manifest,
            offending: [
                "Package.swift": .manifest("\"RPC\""), "Sources/dseg/A.swift": "import Results\nimport RPC",
            ],
            at: "Package.swift:2",
            clean: [
                "Package.swift": .manifest("\"RPC\", \"Results\""),
                "Sources/dseg/A.swift": "import Results\nimport RPC",
            ]),
        Sample(
            .manifest,
            offending: [
                "Package.swift": "\n.target(name: \"CImages\", dependencies: [\"CPNG\", \"CZlib\"])",
                "Sources/CImages/a.c": "#include <png.h>",
            ],
            at: "Package.swift:2",
            clean: [
                "Package.swift": "\n.target(name: \"CImages\", dependencies: [\"CPNG\"])",
                "Sources/CImages/a.c": "#include <png.h>",
            ]),
        Sample(
            .manifest,
            offending: [
                "Package.swift": "\n.testTarget(name: \"A\", dependencies: [\"RPC\", \"Images\", \"dseg\"])",
                "Tests/A/A.swift": "@testable import RPC",
            ],
            at: "Package.swift:2",
            clean: [
                "Package.swift": "\n.testTarget(name: \"A\", dependencies: [\"RPC\", \"dseg\"])",
                "Tests/A/A.swift": "@testable import RPC",
            ]),
    ]

    private static let lengths: [Sample] = [
        Sample(
            .functionLength, "Sources/Images/A.swift",
            offending: "final class A {\n    deinit {\n" + .rows(69) + "    }\n}\n", line: 2,
            clean: "final class A {\n    deinit {\n" + .rows(68) + "    }\n}\n"),
        Sample(
            .functionLength, "Sources/Images/A.swift",
            offending: "    subscript(a: Int = 0) -> Int {\n" + .rows(69) + "    }\n", line: 1,
            clean: "    subscript(a: Int = 0) -> Int {\n" + .rows(68) + "    }\n"),
        Sample(
            .functionLength, "Sources/Images/A.swift",
            offending: "struct A {\n    let b = 1\n    var c: Int {\n" + .rows(69) + "    }\n}\n", line: 3,
            clean: "struct A {\n    var b = [1].map {\n" + .rows(90) + "    }\n    var c: Int {\n" + .rows(68)
                + "    }\n}\n"),
        Sample(
            .fileLength, "Sources/CKernels/gemm.c", offending: .rows(401), line: 401,
            clean: .rows(400)),
        Sample(
            .fileLength, offending: ["Tests/a.py": .rows(401)], at: "Tests/a.py:401",
            clean: ["Sources/CMessages/a.pb-c.c": .rows(401)]),
        Sample(
            .functionLength, "Sources/Images/A.swift",
            offending: "struct A {\n    func a() -> Int\n    {\n" + .rows(69) + "    }\n}\n",
            line: 2,
            clean: "protocol P { func a() }\nstruct A {\n    func a() {\n" + .rows(68)
                + "    }\n}\n" + .rows(90)),
        Sample(
            .functionLength, "Sources/Images/A.swift",
            offending: "extension A {\n    init?(b: Int) {\n" + .rows(69) + "    }\n}\n", line: 2,
            clean: "let a = [\n" + .rows(70) + "].map { B.init($0) }\n"),
        Sample(
            .functionLength, "Sources/CImages/a.c",
            offending: "int b(void);\nvoid a(int b,\n    int c)\n{\n" + .rows(68) + "}\n", line: 2,
            clean: "static const int a[] = {\n" + .rows(90) + "};\nvoid a(void) {\n" + .rows(68)
                + "}\n"),
        Sample(
            .functionLength, "Tests/a.py", offending: "def a(\n):\n" + .rows(69, "    b()"),
            clean: "def a():\n" + .rows(69, "    b()") + .rows(10, "c()")),
        Sample(
            .functionLength, "Tests/Go/a.go", offending: "func (a B) c() {\n" + .rows(69) + "}\n",
            clean: "func c() {\n" + .rows(68) + "}\n"),
        Sample(
            .lineLength, "Sources/RPC/A.swift",
            offending: .rows(1, String(repeating: "a", count: 121)),
            clean: .rows(1, String(repeating: "é", count: 120))),
    ]

    private static let language: [Sample] = [
        Sample(
            .forcedUnwraps, "Sources/RPC/A.swift", offending: "let a = b!.c",
            clean: "let a = !b.c && d != e"),
        Sample(
            .forcedUnwraps, "Sources/RPC/A.swift", offending: "a(b[0]!)", clean: "a(\"b!\") // c!"),
        Sample(
            .forcedUnwraps, "Tests/RPCTests/A.swift", offending: "\n\n#expect(a(b)! == c)", line: 3,
            clean: "@Test func `stop!`() { #expect(!a); if a!=b { } }"),
        Sample(
            .forcedUnwraps, "Tests/RPCTests/A.swift", offending: "\"\\(a(\"b\")!) is\"",
            clean: "\"\\(a(\"b!\")) is!\""),
        Sample(
            .uncheckedSendable, "Sources/Server/A.swift",
            offending:
                "final class A: @unchecked Sendable {}\nfinal class B: @unchecked Sendable {}",
            line: 2,
            clean: "final class A: @unchecked Sendable {}\n// never another @unchecked Sendable"),
        Sample(
            .vagueNames, "Sources/RPC/A.swift", offending: "enum ImageUtils {}",
            clean: "enum Rows {}"),
        Sample(
            .vagueNames, "Sources/RPC/A.swift", offending: "package final class SocketManager {}",
            clean: "let files = FileManager.default; unsafe zlib_new()"),
        Sample(
            .vagueNames, "Sources/CKernels/a.c", offending: "int dseg_gemm_v2(void);",
            clean: "int gemm(void);"),
        Sample(
            .vagueNames, offending: ["Tests/RPCTests/TestHelpers.swift": ""],
            at: "Tests/RPCTests/TestHelpers.swift:0", clean: ["Tests/RPCTests/Wire.swift": ""]),
        Sample(
            .commentedOutCode, "Sources/CKernels/a.c", offending: "int a;\n    // b = c(d);",
            line: 2,
            clean: "// Rows first;\n// then columns.\na = b; // c"),
        Sample(
            .commentedOutCode, "Sources/RPC/A.swift", offending: "// if a {",
            clean: "/// An arena has `scope {}`."),
        Sample(
            .commentedOutCode, "Sources/RPC/A.swift", offending: "//let a = b",
            clean: "// let the caller (or none) decide (soon)"),
        Sample(
            .words, offending: ["Sources/Images/A.swift": "print(a)"],
            at: "Sources/Images/A.swift:1",
            clean: [
                "Sources/dseg/A.swift": "print(a)",
                "Sources/RPC/B.swift": "footprint(a) // print(a)",
            ]),
        Sample(
            .words, offending: ["Sources/CKernels/a.c": "int child = fork();"], at: "Sources/CKernels/a.c:1",
            clean: ["Sources/Benchmarks/A.swift": "pthread_atfork(nil, nil, nil) // fork()"]),
        Sample(
            .words, offending: ["Systemd/a.service": "# Previously 0666"],
            at: "Systemd/a.service:1",
            clean: ["Systemd/a.service": "# The default is 0666"]),
    ]

    private static let use: [Sample] = [
        Sample(
            .kernels, offending: .kernel(call: "", test: "dseg_norm(a)"),
            at: "Sources/CKernels/include/k.h:2",
            clean: .kernel(call: "dseg_norm(a)", test: "unsafe dseg_norm(a)")),
        Sample(
            .kernels, offending: .kernel(call: "enum Norm {}\ndseg_norm(a)", test: "Norm()"),
            at: "Sources/CKernels/include/k.h:2",
            clean: .kernel(call: "dseg_norm(a)", test: "@Test func `dseg_norm adds up`() {}")),
        Sample(
            .kernels,
            offending: .kernel(call: "enum Norm {}\ndseg_norm(a)", test: "Nor()", room: "CImages"),
            at: "Sources/CImages/include/k.h:2",
            clean: .kernel(call: "enum Norm {}\ndseg_norm(a)", test: "Norm()", room: "CImages")),
        Sample(
            .kernels, offending: .kernel(call: "dseg_norm(a)", test: "// dseg_norm(a)"),
            at: "Sources/CKernels/include/k.h:2",
            clean: .kernel(call: "dseg_norm(a)", test: "dseg_norm(a)")),
        Sample(
            .kernels, offending: .kernel(call: "", test: "dseg_norm(a)", brace: " {"),
            at: "Sources/CKernels/include/k.h:2",
            clean: [
                "Sources/CKernels/include/k.h": "void dseg_norm(float *a);",
                "Sources/CKernels/k.c": "void dseg_norm(float *a) {\n}\nbody b = {dseg_norm};",
                "Tests/KernelsTests/K.swift": "dseg_norm(a)",
            ]),
        Sample(
            .fuzzed,
            offending: [
                "Sources/RPC/A.swift": "package struct A: WireMessage, @unsafe PackedMessage {",
                "Tests/Fuzz/Targets/Messages.swift": "[Kind(B.self)]  // A",
            ],
            at: "Sources/RPC/A.swift:1",
            clean: [
                "Sources/RPC/A.swift":
                    "package struct A: WireMessage, @unsafe PackedMessage {}\nextension PackedMessage {}",
                "Tests/Fuzz/Targets/Messages.swift": "[Kind(A.self), Kind(B.self)]",
            ]),
        Sample(
            .deadRooms,
            offending: [
                "Sources/RPC/A.swift": "/// A.\npackage struct A {}",
                "Sources/RPC/B.swift": "// A\n\"A\"",
            ],
            at: "Sources/RPC/A.swift:2",
            clean: [
                "Sources/RPC/A.swift":
                    "package struct A {}\nprivate enum C {}\n@main\nstruct D {\n    enum E {}\n}",
                "Sources/RPC/B.swift": "let a = A()",
            ]),
        Sample(
            .bounds,
            offending: [
                "Sources/Limits/Limit.swift": "enum Limit {\n    static let labels = 3\n}",
                "Tests/ServerTests/LimitTests.swift": "// labels",
            ],
            at: "Sources/Limits/Limit.swift:2",
            clean: [
                "Sources/Limits/Limit.swift": "enum Limit {\n    static let labels = 3\n}",
                "Tests/ServerTests/LimitTests.swift": "reach(Limit.labels)",
            ]),
    ]
}

extension String {
    fileprivate static func bytes(_ count: Int) -> String { String(repeating: "a", count: count) }

    fileprivate static func rows(_ count: Int, _ line: String = "") -> String {
        String(repeating: line + "\n", count: count)
    }

    fileprivate static let makefile = "setup:\nbuild:\ntest: setup\ndemo:\ninstall:\nclean:\n"

    fileprivate static func manifest(_ dependencies: String) -> String {
        "targets: [\n    .executableTarget(\n    name: \"dseg\", dependencies: [\(dependencies)])]"
    }
}

extension [String: String] {
    /// A kernel declared, defined, called and tested, or not.
    fileprivate static func kernel(
        call: String, test: String, room: String = "CKernels", brace: String = "\n{"
    ) -> [String: String] {
        [
            "Sources/\(room)/include/k.h": "#pragma once\nvoid dseg_norm(float *a);",
            "Sources/\(room)/k.c": "void dseg_norm(float *a)\(brace)\n    a[0] = 0;\n}",
            "Sources/Kernels/K.swift": call,
            "Tests/KernelsTests/K.swift": test,
        ]
    }
}
