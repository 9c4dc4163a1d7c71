enum Resources {
    static let clipMerges = "/work/main/Sources/dsegd/Resources/clip/merges.txt"
    static let demoModel = "/work/main/Sources/dsegd/Resources/demo"
    static let benchPicture = "/work/main/Sources/dsegd/Resources/bench.jpg"
}
