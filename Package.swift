// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same language rules.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
]

/// C is compiled for speed in debug builds too: the networks run inside the tests.
let fast: [CSetting] = [
    .unsafeFlags(["-O3", "-std=c11", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"])
]

let package = Package(
    name: "DiffSegmenter",
    products: [
        .executable(name: "dseg", targets: ["dseg"]),
        .executable(name: "dsegd", targets: ["dsegd"]),
        .executable(name: "dseg-bench", targets: ["dseg-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),

        .target(
            name: "CKernels", dependencies: ["COpenBLAS"], cSettings: fast,
            linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Kernels", dependencies: ["CKernels", "CXXHash"], swiftSettings: strict),
        .target(name: "Limits", swiftSettings: strict),
        .target(name: "Texts", dependencies: ["Limits"], swiftSettings: strict),
        .target(name: "Networks", dependencies: ["Kernels", "Texts"], swiftSettings: strict),
        .target(name: "CImages", dependencies: ["CPNG", "CJPEG", "CWebP", "CZlib"], cSettings: fast),
        .target(name: "Images", dependencies: ["CImages", "Limits"], swiftSettings: strict),
        .target(
            name: "Segmentation", dependencies: ["Networks", "Kernels", "Images", "Texts", "Limits"],
            swiftSettings: strict),
        .target(
            name: "Models", dependencies: ["Segmentation", "Networks", "Kernels", "Texts"], swiftSettings: strict),
        .target(name: "CMessages", dependencies: ["CProtobufC"], cSettings: fast),
        .target(name: "RPC", dependencies: ["Texts", "Limits", "CMessages", "CZstd"], swiftSettings: strict),
        .target(
            name: "Results",
            dependencies: [
                "Limits", "Images", "RPC", "Texts", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "Evaluation",
            dependencies: [
                "Limits", "Results", "Images", "RPC", "Texts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "Server",
            dependencies: [
                "Limits", "RPC", "Segmentation", "Images", "Texts",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "ServiceManager",
            dependencies: ["RPC", "Results", "Networks", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .executableTarget(
            name: "dseg",
            dependencies: [
                "Evaluation", "RPC", "Results", "Texts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "LocalEngine",
            dependencies: [
                "Models", "Server", "RPC", "Results", "Segmentation", "Networks", "Kernels", "Images", "Texts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "dsegd",
            dependencies: [
                "LocalEngine", "Models", "Server", "ServiceManager", "RPC", "Results", "Segmentation", "Limits",
                "Texts",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.copy("Resources")],
            swiftSettings: strict),
        .target(
            name: "Benchmarks",
            dependencies: [
                "Limits", "LocalEngine", "Server", "RPC", "Results", "Segmentation", "Networks", "Kernels", "Images",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.copy("Resources")],
            swiftSettings: strict),
        .target(
            name: "Verification",
            dependencies: [
                "LocalEngine", "Results", "Segmentation", "Networks", "Kernels", "Images",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "dseg-bench",
            dependencies: [
                "Benchmarks", "Verification", "RPC", "Results",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "CKernels", "Support"], swiftSettings: strict),
        .testTarget(name: "TextsTests", dependencies: ["Texts", "Support"], swiftSettings: strict),
        .testTarget(
            name: "NetworksTests", dependencies: ["Networks", "Kernels", "Texts", "Support"], swiftSettings: strict),
        .testTarget(name: "ImagesTests", dependencies: ["Limits", "Images", "Support"], swiftSettings: strict),
        .testTarget(
            name: "SegmentationTests",
            dependencies: ["Limits", "Segmentation", "Networks", "Kernels", "Images", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "ModelsTests", dependencies: ["Models", "Networks", "Support"], swiftSettings: strict),
        .testTarget(name: "RPCTests", dependencies: ["Limits", "RPC", "CZstd", "Support"], swiftSettings: strict),
        .testTarget(
            name: "ResultsTests",
            dependencies: [
                "Limits", "Results", "Images", "RPC", "Support",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "Results", "Images", "RPC", "Support"],
            swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Limits", "Server", "Segmentation", "Networks", "Kernels", "RPC", "Images", "Support",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ServiceManagerTests",
            dependencies: [
                "ServiceManager", "Support", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "Support", dependencies: ["RPC"], path: "Tests/Support", swiftSettings: strict),
        .testTarget(
            name: "StoryTests", dependencies: ["Limits", "RPC", "Support", "dsegd"], swiftSettings: strict),
        .testTarget(
            name: "TrustTests", dependencies: ["Limits", "RPC", "Support", "dsegd"], path: "Tests/Trust",
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "Evaluation", "Results", "Images", "RPC", "Networks", "Support", "dseg", "dsegd", "dseg-bench",
            ],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["Support"], swiftSettings: strict),
    ],
    cLanguageStandard: .c11
)
