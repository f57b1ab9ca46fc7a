using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Plan;

/// <summary>The changes that can be planned.</summary>
internal static class ChangeVerbs
{
    private const string Node = "a node";
    private const string Options = "options";

    /// <summary>Every one, in the order shown to a person.</summary>
    public static IReadOnlyList<ChangeVerb> All { get; } =
    [
        new("replace", "NODE by NODE [strictly]", "whoever uses the one uses the other", ReadReplace),
        new("insert-filter", "OPTIONS over NODE", "open a filter between a node and its users", words => ReadAppend(words, mustBeFilter: true)),
        new("append", "OPTIONS over NODE", "open an overlay, or a filter, over a node", words => ReadAppend(words, mustBeFilter: false)),
        new("overlay", "NODE over NODE", "make a node that is open another's overlay", ReadOverlay),
        new("drop-filter", "NODE", "take a filter out: its users use its child", ReadDropFilter),
        new("drop-intermediate", "TOP to BOTTOM [as FILE]", "take a part of a chain out, down to BOTTOM, which stays", ReadDropIntermediate),
        new("set-backing", "NODE to NODE|none", "give a node another backing node", ReadSetBacking),
        new("add-child", "NODE NODE", "give the first node the second as a child", ReadAddChild),
        new("remove-child", "NODE CHILD", "take from a node the child that it calls so", ReadRemoveChild),
        new("reopen", "NODE OPTIONS", "give a node other options; the rest stay", ReadReopen),
        new("freeze", "TOP to BOTTOM", "forbid changes of the links of a chain", ReadFreeze),
        new("move", "NODE to context NAME [force]", "move a node, and all that is connected with it", ReadMove),
        new("attach-backend", "NODE [as NAME] [PERMISSION...]", "put a new user over a node", ReadAttachBackend),
        new("detach-backend", "USER", "let a user let go of its node", ReadDetachBackend),
        new("set-permissions", "USER PERMISSION [PERMISSION...]", "let a user ask for other permissions", ReadSetPermissions),
    ];

    private static Func<PlanWorld, Task<GraphEdit>> ReadReplace(ChangeWords words)
    {
        string from = words.Take(Node);
        words.Expect("by");
        string to = words.Take(Node);
        bool isStrict = words.TryTake("strictly");
        return world => Task.FromResult(GraphEdit.Replace(world.Node(from), world.Node(to), isStrict));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadAppend(ChangeWords words, bool mustBeFilter)
    {
        string text = words.TakeUntil("over", Options);
        words.Expect("over");
        string under = words.Take(Node);
        return world =>
        {
            OptionsDictionary options = CommandOptions.ReadKeyvalOrJson(text, "driver", out bool isHelpWanted);
            if (isHelpWanted)
            {
                throw new BlockException("Help is not available for this option");
            }

            if (mustBeFilter && options.GetText("driver") is { } name && world.Graph.Drivers.Get(name, suggestsNearest: true).Category != DriverCategory.Filter)
            {
                throw new BlockException($"Driver '{name}' is not a filter") { Hint = "append puts an overlay over a node" };
            }

            return Task.FromResult(GraphEdit.Append(options, world.Node(under)));
        };
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadOverlay(ChangeWords words)
    {
        string overlay = words.Take(Node);
        words.Expect("over");
        string under = words.Take(Node);
        return world => Task.FromResult(GraphEdit.Overlay(world.Node(overlay), world.Node(under)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadDropFilter(ChangeWords words)
    {
        string filter = words.Take(Node);
        return world => Task.FromResult(GraphEdit.DropFilter(world.Node(filter)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadDropIntermediate(ChangeWords words)
    {
        string top = words.Take(Node);
        words.Expect("to");
        string bottom = words.Take(Node);
        string? file = words.TryTake("as") ? words.TakeRest("a file name") : null;
        return world => Task.FromResult(GraphEdit.DropIntermediate(world.Node(top), world.Node(bottom), file));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadSetBacking(ChangeWords words)
    {
        string overlay = words.Take(Node);
        words.Expect("to");
        string? backing = words.TryTake("none") ? null : words.Take("a node or 'none'");
        return world => Task.FromResult(GraphEdit.SetBacking(world.Node(overlay), backing is null ? null : world.Node(backing)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadAddChild(ChangeWords words)
    {
        string parent = words.Take(Node);
        string child = words.Take(Node);
        return world => Task.FromResult(GraphEdit.AddChild(world.Node(parent), world.Node(child)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadRemoveChild(ChangeWords words)
    {
        string parent = words.Take(Node);
        string child = words.Take("the name of a child");
        return world => Task.FromResult(GraphEdit.RemoveChild(world.Node(parent), child));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadReopen(ChangeWords words)
    {
        string node = words.Take(Node);
        string text = words.TakeRest(Options);
        return world =>
        {
            OptionsDictionary options = CommandOptions.ReadKeyvalOrJson(text, null, out bool isHelpWanted);
            return isHelpWanted
                ? throw new BlockException("Help is not available for this option")
                : Task.FromResult(GraphEdit.Reopen(world.Node(node), options));
        };
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadFreeze(ChangeWords words)
    {
        string top = words.Take(Node);
        words.Expect("to");
        string bottom = words.Take(Node);
        return world => Task.FromResult(GraphEdit.Freeze(world.Node(top), world.Node(bottom)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadMove(ChangeWords words)
    {
        string node = words.Take(Node);
        words.Expect("to");
        words.Expect("context");
        string context = words.Take("the name of a context");
        bool isForced = words.TryTake("force");
        return world => Task.FromResult(GraphEdit.Move(world.Node(node), world.Context(context), isForced));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadAttachBackend(ChangeWords words)
    {
        string node = words.Take(Node);
        string? name = words.TryTake("as") ? words.Take("a name") : null;
        PermissionWords permissions = PermissionWords.Read(words);
        return async world =>
        {
            BlockNode root = world.Node(node);
            BlockBackend backend = await world.CreateBackendAsync(new BackendOptions { Name = name, Permissions = permissions.OfNewUser() }, root.Context);
            return GraphEdit.Insert(backend, root);
        };
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadDetachBackend(ChangeWords words)
    {
        string user = words.Take("a user");
        return world => Task.FromResult(GraphEdit.Detach(world.UserEdge(user)));
    }

    private static Func<PlanWorld, Task<GraphEdit>> ReadSetPermissions(ChangeWords words)
    {
        string user = words.Take("a user");
        if (words.IsAtEnd)
        {
            words.Take("a permission");
        }

        PermissionWords permissions = PermissionWords.Read(words);
        return world =>
        {
            BlockChild edge = world.UserEdge(user);
            return Task.FromResult(GraphEdit.SetPermissions(edge, permissions.ChangedFrom(((IRootParent)edge.Parent).PermissionsOf(edge))));
        };
    }
}
