namespace BlockGraph.Tools.GraphView;

/// <summary>The colours of boxes, the same in every form of the picture.</summary>
internal static class PictureColours
{
    /// <summary>What is written in boxes.</summary>
    public const string Ink = "#1f2430";

    /// <summary>The outline of a box on a light page, and what fills it.</summary>
    public static (string Line, string Fill) Of(PictureKind kind) => kind switch
    {
        PictureKind.User => ("#5b6475", "#eef0f4"),
        PictureKind.Protocol => ("#2f7d4f", "#e7f5ec"),
        PictureKind.Format => ("#2f62b5", "#e8f0fc"),
        PictureKind.Filter => ("#b06a12", "#fdf1de"),
        _ => ("#7a4bb0", "#f3ebfc"),
    };

    /// <summary>The same on a dark page.</summary>
    public static (string Line, string Fill) OfDark(PictureKind kind) => kind switch
    {
        PictureKind.User => ("#8a93a6", "#232833"),
        PictureKind.Protocol => ("#5fbf85", "#16291e"),
        PictureKind.Format => ("#6fa0ee", "#172338"),
        PictureKind.Filter => ("#e2a04a", "#2e2414"),
        _ => ("#b48ae6", "#271d35"),
    };
}
