// swift-tools-version: 6.2
import PackageDescription

// The very sources of the house (`Sources` is a link to them), built for libFuzzer: most declarations have package
// access, so whoever fuzzes them must be in one package with them. `run.sh` says how it is built and run.

/// Instrumented for coverage and addresses; tests see what is internal, too.
let fuzzed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    .unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"]),
]

/// The flags of `fast` in the house's manifest, instrumented for undefined behaviour, too.
let fuzzedC: [CSetting] = [
    .unsafeFlags([
        "-O3", "-std=c11", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-g", "-fno-omit-frame-pointer",
        "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all",
        // Checked code is not vectorised, of which a pragma warns.
        "-Wno-pass-failed",
    ])
]

/// The kernels, which no byte of a stranger reaches unread: not instrumented, and not optimised, which would take
/// minutes.
let plain: [CSetting] = [.unsafeFlags(["-O0", "-std=c11", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"])]

let package = Package(
    name: "Fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
    targets: [
        .systemLibrary(name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: "openblas"),
        .systemLibrary(name: "CPNG", path: "Sources/CPNG", pkgConfig: "libpng"),
        .systemLibrary(name: "CJPEG", path: "Sources/CJPEG", pkgConfig: "libjpeg"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CWebP", path: "Sources/CWebP", pkgConfig: "libwebpdemux"),
        .systemLibrary(name: "CProtobufC", path: "Sources/CProtobufC", pkgConfig: "libprotobuf-c"),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
        .systemLibrary(name: "CXXHash", path: "Sources/CXXHash", pkgConfig: "libxxhash"),

        .target(
            name: "CKernels", dependencies: ["COpenBLAS"], cSettings: plain,
            linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Kernels", dependencies: ["CKernels", "CXXHash"], swiftSettings: fuzzed),
        .target(name: "Limits", swiftSettings: fuzzed),
        .target(name: "Texts", dependencies: ["Limits"], swiftSettings: fuzzed),
        .target(name: "Networks", dependencies: ["Kernels", "Texts"], swiftSettings: fuzzed),
        .target(name: "CImages", dependencies: ["CPNG", "CJPEG", "CWebP", "CZlib"], cSettings: fuzzedC),
        .target(name: "Images", dependencies: ["CImages", "Limits"], swiftSettings: fuzzed),
        .target(
            name: "Segmentation", dependencies: ["Networks", "Kernels", "Images", "Texts", "Limits"],
            swiftSettings: fuzzed),
        .target(
            name: "Models", dependencies: ["Segmentation", "Networks", "Kernels", "Texts"], swiftSettings: fuzzed),
        .target(name: "CMessages", dependencies: ["CProtobufC"], cSettings: fuzzedC),
        .target(name: "RPC", dependencies: ["Texts", "Limits", "CMessages", "CZstd"], swiftSettings: fuzzed),
        .target(
            name: "Results",
            dependencies: [
                "Limits", "Images", "RPC", "Texts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: fuzzed),

        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Results", "Models", "RPC", "CMessages", "CProtobufC", "Networks", "Images", "CImages", "Texts",
                "Limits",
            ],
            path: "Targets", swiftSettings: fuzzed,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]),
    ],
    cLanguageStandard: .c11
)
