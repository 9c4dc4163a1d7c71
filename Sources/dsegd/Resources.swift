enum Resources {
    static let clipMerges = "/work/main/Sources/dsegd/Resources/clip/merges.txt"
}
