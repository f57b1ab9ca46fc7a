using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Plan;

/// <summary>One CHANGE argument: read before anything is opened, looked up in the graph afterwards.</summary>
internal sealed class Change
{
    private readonly string _text;
    private readonly Func<PlanWorld, Task<GraphEdit>> _makeEdit;

    private Change(string text, Func<PlanWorld, Task<GraphEdit>> makeEdit)
    {
        _text = text;
        _makeEdit = makeEdit;
    }

    /// <summary>Reads <paramref name="text"/>.</summary>
    /// <exception cref="BlockException">It is malformed; the message names the word.</exception>
    public static Change Parse(string text)
    {
        string name = ChangeWords.First(text);
        ChangeVerb? verb = ChangeVerbs.All.FirstOrDefault(verb => verb.Name == name);
        if (verb is null)
        {
            string? nearest = NearestText.Find(name, ChangeVerbs.All.Select(verb => verb.Name));
            throw new BlockException(name.Length == 0 ? "an empty change" : $"'{text}': unknown change '{name}'")
            {
                Hint = nearest is null ? $"try '{CalledName.Own} plan --help'" : $"did you mean '{nearest}'?",
            };
        }

        ChangeWords words = new(text, verb.Usage);
        words.Take(verb.Name);
        Func<PlanWorld, Task<GraphEdit>> makeEdit = verb.Read(words);
        words.End();
        return new Change(text, makeEdit);
    }

    /// <summary>The edit that it means in the graph of <paramref name="world"/>.</summary>
    /// <exception cref="BlockException">It names what is not there.</exception>
    public async Task<GraphEdit> MakeEditAsync(PlanWorld world)
    {
        try
        {
            return await _makeEdit(world);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"'{_text}': ");
        }
    }
}
