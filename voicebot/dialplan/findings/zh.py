"""The findings in Chinese: one line for each English text, with the places that are filled in. What fills a place is
translated as well if it stands here; names, keys and numbers stay as they are.
"""

TABLE = r"""
"#", "*", or "" for none ⇒ "#"、"*"，或 "" 表示没有
"404", or else ⇒ "404" 或 else
*{0} has no finished anchor above ⇒ *{0} 之前没有完整的锚点
0-9, * and # can ⇒ 只能用 0-9、* 和 #
200, 404, 503 ... ⇒ 200、404、503 等
X-..., {0} can ⇒ 可以设置 X-...、{0}
[1, 5] ⇒ [1, 5]
a .wav, relative to the folder prompts/ ⇒ 请写 prompts/ 目录下的 .wav 文件
a bare expression stands here: write it without {{ }} ⇒ 此处直接写表达式，不要加 {{ }}
a call may come without the header {0} ⇒ 来电可能没有头域 {0}
a choice has goto or call, not both ⇒ 一个选项只能有 goto 或 call，不能两者都有
a choice of listen has no dtmf ⇒ listen 的选项没有 dtmf
a dialplan is a map, not {0} ⇒ 拨号方案应为映射，而不是{0}
a filter needs a value before it ⇒ 过滤器前面需要一个值
a flow's name is expected, not {0} ⇒ 此处应为流程名，而不是{0}
a handler is a map ⇒ 处理器应为映射
a handler of error must leave ⇒ error 的处理器必须离开当前步骤
a handler of hangup runs set, http and notify only ⇒ hangup 的处理器只能运行 set、http 和 notify
a header is one line of at most {0} characters ⇒ 头域是一行文本，最多 {0} 个字符
a hotline that is closed for good needs no hours ⇒ 长期关闭的热线不需要营业时间
a length is 1 to 64, or two of them: [8, 12] ⇒ 长度为 1 到 64，或写成两个数：[8, 12]
a link has exactly one of goto, call, event ⇒ link 必须且只能有 goto、call、event 之一
a link raises operator, but no handler leads anywhere ⇒ 有 link 触发 operator，但没有处理器指明去向
a list in an expression holds constants only ⇒ 表达式中的列表只能包含常量
a list is expected, not {0} ⇒ 此处应为列表，而不是{0}
a list of steps is expected, not {0} ⇒ 此处应为步骤列表，而不是{0}
a list of texts is expected under 'all' ⇒ 'all' 之下应为文本列表
a list or map of values is expected, not {0} ⇒ 此处应为取值的列表或映射，而不是{0}
a map is expected, not {0} ⇒ 此处应为映射，而不是{0}
a map of days is expected, not {0} ⇒ 此处应为按星期的映射，而不是{0}
a map of variables is expected, not {0} ⇒ 此处应为变量的映射，而不是{0}
a number is expected, not {0} ⇒ 此处应为数字，而不是{0}
a range is a list of two, the smaller first ⇒ range 是两个值的列表，较小的在前
a reason is one word in small letters ⇒ 原因应为一个小写单词
a secret of the service {0} stands in the dialplan: {1} ⇒ 服务 {0} 的密钥直接写在拨号方案里：{1}
auth is bearer: TOKEN or basic: {user, password} ⇒ auth 应为 bearer: TOKEN 或 basic: {user, password}
for example {bearer: "${SHOP_TOKEN}"} ⇒ 例如 {bearer: "${SHOP_TOKEN}"}
${NAME} is an environment variable ⇒ ${NAME} 表示环境变量
a second document begins here ⇒ 此处开始了第二个文档
a status of HTTP is expected ⇒ 此处应为 HTTP 状态码
a step has one key, its verb ⇒ 一个步骤只有一个键，即它的动词
a step is a map ⇒ 步骤应为映射
a step is expected, not {0} ⇒ 此处应为步骤，而不是{0}
a tab stands in the indentation ⇒ 缩进中有制表符
a text is expected, not {0} ⇒ 此处应为文本，而不是{0}
a value is missing here (null) ⇒ 此处缺少值（null）
a wav file with uncompressed samples is expected ⇒ 应为未压缩的 wav 文件
a whole day is "00:00-24:00" ⇒ 全天写作 "00:00-24:00"
a whole number is expected, not {0} ⇒ 此处应为整数，而不是{0}
add at: "2026-11-24 10:00" ⇒ 请加上 at: "2026-11-24 10:00"
add timeout: FLOW under exits ⇒ 请在 exits 下加上 timeout: 流程名
add {0}: FLOW under exits ⇒ 请在 exits 下加上 {0}: 流程名
after goto nothing follows: remove call or reprompt ⇒ goto 之后不会再执行：请去掉 call 或 reprompt
agents are declared in the configuration ⇒ 坐席在配置文件中声明
an audio file is expected, not {0} ⇒ 此处应为音频文件，而不是{0}
an audio file of prompts/ is expected, not {0} ⇒ 此处应为 prompts/ 下的音频文件，而不是{0}
an extra date is a single date ⇒ extra 中只能写单个日期
an if has exactly one of then, goto, call ⇒ if 必须且只能有 then、goto、call 之一
brackets belong to call.headers['NAME'] only: write call.from, acct.balance ⇒ 方括号只用于 call.headers['NAME']：请写 call.from、acct.balance
call.headers is a map ⇒ call.headers 是映射
callers may be led from human to human from here for ever ⇒ 来电者可能会从此处开始被不停地转给下一个人工
callers would be asked which they meant: choose another word for one of them ⇒ 系统只能反问来电者：请为其中之一换一个说法
cannot be read: {0} ⇒ 无法读取：{0}
closed for {0} days or more in a row ⇒ 连续关闭 {0} 天或更久
durations are 800ms, 5s, 10m, 2h ⇒ 时长写作 800ms、5s、10m、2h
enter the flow by call, not by goto or start ⇒ 请用 call 进入该流程，不要用 goto 或 start
entry of hours ⇒ 营业时间
exactly one of get, post, put, delete names the path ⇒ 必须且只能用 get、post、put、delete 之一写出路径
for example "post /balance" ⇒ 例如 "post /balance"
for example Asia/Shanghai or UTC ⇒ 例如 Asia/Shanghai 或 UTC
give dtmf, phrases or intent ⇒ 请写上 dtmf、phrases 或 intent
give goto a list of set, http and notify steps ⇒ 请在 goto 下写 set、http、notify 步骤的列表
give intent, phrases or dtmf ⇒ 请写上 intent、phrases 或 dtmf
give it a goto ⇒ 请加上 goto
if it is text, write it in quotes ⇒ 如果是文本，请加引号
indent with spaces ⇒ 请用空格缩进
indent {0} below {1} ⇒ 请把 {0} 缩进到 {1} 之下
it is ignored ⇒ 将被忽略
it is longer than {0} characters ⇒ 超过 {0} 个字符
it is not clear which language this text is in ⇒ 无法判断这段文本的语言
it is spelled out by rule and may be misheard: prefer a common word, or add one ⇒ 发音只能按规则推测，可能听错：请换用常见词，或增加一个
it is the time until its first entry ⇒ 它是首次进入该流程之前的时间
it names languages, timezone and start ⇒ 它给出 languages、timezone 和 start
known here: {0} ⇒ 此处可用：{0}
languages of the hotline: {0} ⇒ 热线的语言：{0}
languages: {0} ⇒ 语言：{0}
lead away after fewer attempts, or raise max_events in defaults ⇒ 请减少尝试次数，或在 defaults 中调高 max_events
let an agent have the skills that it requires, or relax them ⇒ 请为某个坐席配置所需技能，或用 relax 放宽要求
let an exit lead to voicemail or a hang-up ⇒ 请让某个出口通向语音留言或挂机
let it end with goto, return or hangup ⇒ 请以 goto、return 或 hangup 结束
let one span end before the next begins ⇒ 请让前一段在后一段开始之前结束
let the highest count of noinput and of nomatch go to a flow ⇒ 请让 noinput 和 nomatch 的最高次数转到某个流程
let what follows the talk or the message be a question or a hang-up ⇒ 请让通话或留言之后的步骤是一个提问或挂机
letters, digits, _ and - make a name ⇒ 名称由字母、数字、_ 和 - 组成
merge keys (<<) are not YAML 1.2 ⇒ 合并键（<<）不属于 YAML 1.2
mon-fri: "09:00-17:00" ⇒ 例如 mon-fri: "09:00-17:00"
more than {0} are too many: shorten prompts, timeouts or the number of attempts ⇒ 超过 {0} 秒太久了：请缩短提示音、超时或减少尝试次数
more than {0} values, aliases expanded ⇒ 展开别名后超过 {0} 个值
name a flow, or leave the key out ⇒ 请写流程名，或去掉该键
name it in the step, or add an error handler that goes to a human ⇒ 请在步骤中写明，或增加转人工的 error 处理器
name the anchor first ⇒ 请先定义锚点
names do not begin with an underscore ({0}) ⇒ 名称不能以下划线开头（{0}）
nested more than {0} deep ⇒ 嵌套超过 {0} 层
no language of the hotline is written so ⇒ 热线的语言都不用这种文字
nobody can serve the queue {0} for callers in {1} ⇒ 没有坐席能在队列 {0} 中服务说以下语言的来电者：{1}
nobody hears a handler of hangup ⇒ hangup 的处理器没有人能听到
normal, busy, closed ... ⇒ 如 normal、busy、closed
not YAML: {0} ⇒ 不是 YAML：{0}
nothing fills {0} ⇒ 没有步骤填写 {0}
nothing leads to the flow {0} ⇒ 没有任何途径通向流程 {0}
nothing leads to this step ⇒ 没有任何途径通向此步骤
nothing saves {0} ⇒ 没有步骤保存 {0}
nothing sets {0} ⇒ 没有步骤设置 {0}
offer a key that leads to one ⇒ 请提供一个通向人工的按键
one file holds one document ⇒ 一个文件只含一个文档
one of say, dtmf, silence, unclear, hangup is expected ⇒ 此处应为 say、dtmf、silence、unclear、hangup 之一
one of {0} ⇒ 可以是 {0}
one verb a step ⇒ 一个步骤一个动词
only YAML 1.2 is read ⇒ 只支持 YAML 1.2
only a variable has attributes ⇒ 只有变量才有属性
only texts, numbers, true and false may be written in an expression ⇒ 表达式中只能写文本、数字、true 和 false
only these can be called: {0} ⇒ 只能调用：{0}
only version {0} of the language is known ⇒ 只支持版本 {0} 的语言
put a - before it ⇒ 请在前面加上 -
put a template such as "{{ name }}" in quotes ⇒ 像 "{{ name }}" 这样的模板请加引号
put a text that contains ': ' in quotes ⇒ 含有 ': ' 的文本请加引号
put a text that contains a comma in quotes ⇒ 含有逗号的文本请加引号
put it in quotes ⇒ 请加引号
put the same quote where the text ends ⇒ 请在文本结尾处加上同样的引号
put the text in quotes of the other kind ⇒ 请改用另一种引号括住该文本
put {0} where it ends ⇒ 请在结尾处加上 {0}
this line is indented by {0}, its neighbours by {1} ⇒ 此行缩进 {0} 个空格，相邻的行缩进 {1} 个
{0} or {1} ⇒ {0} 或 {1}
let lines that belong together begin in the same column ⇒ 属于同一层的行应从同一列开始
a second colon stands in this line ⇒ 此行有第二个冒号
a colon is missing here ⇒ 此处缺少冒号
a name ends with a colon ⇒ 名称之后要写冒号
a space is missing after the colon ⇒ 冒号之后缺少空格
write a space after {0}: ⇒ 请在 {0}: 之后加一个空格
write a value behind it ⇒ 请在其后写上值
a name without a value stands here ⇒ 此处的名称没有值
the full-width character {0} stands here ⇒ 此处有全角字符 {0}
write {0} as on an English keyboard ⇒ 请改用半角（英文键盘）的 {0}
a template stands here without quotes ⇒ 此处的模板没有加引号
this quote is never closed ⇒ 此引号没有闭合
this bracket is never closed ⇒ 此括号没有闭合
a quote inside of the text has ended it before this ⇒ 文本中的引号使文本在此之前就结束了
a '- ' is missing before this name ⇒ 此名称之前缺少 '- '
here a list goes on ⇒ 这里是一个列表的延续
a text cannot begin with {0} ⇒ 文本不能以 {0} 开头
put its hours into one ⇒ 请合并为一条
queue.ewt and queue.position in a whisper ⇒ 耳语中的 queue.ewt 和 queue.position
readback is never spoken with confirm: never ⇒ confirm: never 时不会播放 readback
reject is above confirm ⇒ reject 大于 confirm
remove it ⇒ 请删除
remove say, play, call ⇒ 请去掉 say、play、call
remove the %YAML line ⇒ 请删除 %YAML 行
remove the tag ⇒ 请删除标签
return in {0} is reached without a call ⇒ {0} 中的 return 在没有 call 的情况下被执行
return takes nothing, not {0} ⇒ return 不带内容，而不是{0}
say it in one of them only, or make the phrase longer ⇒ 只保留其中一个，或把说法写得更长
say, play and set can ⇒ 可以用 say、play 和 set
send it as json ⇒ 请放在 json 中发送
set interdigit_timeout in the step or in defaults, or choose other keys ⇒ 请在步骤或 defaults 中设置 interdigit_timeout，或改用其他按键
shorten the timeout, or add filler: {after: 800ms, say: "One moment, please."} ⇒ 请缩短 timeout，或加上 filler: {after: 800ms, say: "请稍等。"}
set writes call.NAME or slot.NAME ⇒ set 只能写 call.名称 或 slot.名称
slot {0}: {1} ⇒ 槽位 {0}：{1}
some way through conditions and errors leads round in a circle ⇒ 某些条件和错误会使流程循环往复
split it with include, or look whether it is the right file ⇒ 请用 include 拆分，或检查是否选错文件
statements ({% %}) are not part of templates: use if and switch steps ⇒ 模板不支持语句（{% %}）：请用 if 和 switch 步骤
steps: {0} ⇒ 步骤有：{0}
tags such as {0} are not read ⇒ 不支持 {0} 这样的标签
text is expected, not {0} ⇒ 此处应为文本，而不是{0}
the audio file for {0} is missing ⇒ 缺少语言 {0} 的音频文件
the audio file {0} cannot be read ⇒ 无法读取音频文件 {0}
the audio file {0} is silent ⇒ 音频文件 {0} 没有声音
the choice can be neither said nor keyed ⇒ 该选项既不能说出也不能按键
the control character U+{0} stands here ⇒ 此处有控制字符 U+{0}
the date or time {0} stands without quotes ⇒ 日期或时间 {0} 没有加引号
the end of the flow {0} can be reached ⇒ 可能走到流程 {0} 的末尾
the exit 'timeout' is not named ⇒ 没有写明出口 'timeout'
the exit {0} is not named ⇒ 没有写明出口 {0}
the expression cannot be used: {0} ⇒ 表达式无效：{0}
the expression goes on after its end ⇒ 表达式结束后还有内容
the expression is empty ⇒ 表达式为空
the expression is nested too deep ⇒ 表达式嵌套过深
the extra date {0} is given twice ⇒ extra 日期 {0} 出现了两次
the file begins with dialplan: {0} ⇒ 文件应以 dialplan: {0} 开头
the file is empty ⇒ 文件为空
the file is larger than {0} kB ⇒ 文件大于 {0} kB
the file is not UTF-8 ⇒ 文件不是 UTF-8 编码
the filter {0} takes no named arguments ⇒ 过滤器 {0} 不接受命名参数
the filter {0} takes {1} ⇒ 过滤器 {0} 需要{1}
the flow {0} is empty ⇒ 流程 {0} 为空
the header {0} cannot be set ⇒ 不能设置头域 {0}
the hours of {0} run past midnight into those of the next day ⇒ {0} 的时间跨过午夜，与次日重叠
the intent {0} has no phrases in {1} ⇒ 意图 {0} 缺少以下语言的说法：{1}
the key 'dialplan' is missing ⇒ 缺少键 'dialplan'
the key 'flows' is missing ⇒ 缺少键 'flows'
the key 'hotline' is missing ⇒ 缺少键 'hotline'
the key {0} begins {1}: whoever presses {2} waits {3} for the next key ⇒ 按键 {0} 是 {1} 的开头：按 {2} 的人要等 {3} 才有反应
the key {0} is a choice of line {1} already ⇒ 按键 {0} 已是第 {1} 行的选项
the key {0} is missing ⇒ 缺少键 {0}
the key {0} stands for {1} already ⇒ 按键 {0} 已代表 {1}
the key {0} stands in line {1} already ⇒ 键 {0} 在第 {1} 行已出现
the keys {0} stand without quotes ⇒ 按键 {0} 没有加引号
the language {0} is not understood ⇒ 不支持语言 {0}
the link can be neither said nor keyed ⇒ 该 link 既不能说出也不能按键
the list is empty ⇒ 列表为空
the list of phrases is empty ⇒ 说法列表为空
the list of steps is empty ⇒ 步骤列表为空
the name of a file is expected ⇒ 此处应为文件名
the number is too long ⇒ 数字太长
the path does not begin with / ⇒ 路径没有以 / 开头
the phrase cannot be used: {0} ⇒ 说法无效：{0}
the phrase {0} belongs to both {1} ⇒ 说法 {0} 同时属于 {1}
the recogniser's dictionary for {0} lacks {1} ⇒ {0} 识别词典中没有 {1}
the step is empty ⇒ 步骤为空
the template cannot be used: {0} ⇒ 模板无效：{0}
the template is nested too deep ⇒ 模板嵌套过深
the term_char is one key ⇒ term_char 是一个按键
the test {0} comes to open() in the flow {1} and has no `at` ⇒ 测试 {0} 会在流程 {1} 中用到 open()，但没有写 `at`
the text is empty ⇒ 文本为空
the translation to {0} is missing ⇒ 缺少语言 {0} 的译文
there are {0} ⇒ 现有 {0}
{0} is no number that can be called back ⇒ {0} 不是可以回拨的号码
{0} is no time ⇒ {0} 不是时间
{0} is nobody who can be called ⇒ 无法呼叫 {0}
a caller who says nothing here after a talk is led to the same people again and again ⇒ 通话之后在此保持沉默的来电者会一再被转给同样的人
give the question a noinput of its own that leads to a goodbye ⇒ 请给这个问题单独写 noinput，转到结束语
no trunk lets {0} be dialled ⇒ 没有中继允许拨打 {0}
let a pattern under `dial` of the trunk fit it ⇒ 请在中继的 `dial` 下加上与之相符的模式
write digits, with or without + in front ⇒ 请写数字，前面可以有 +
write asap, or a time as "2026-11-24 10:00" ⇒ 请写 asap，或写时间，如 "2026-11-24 10:00"
there is no agent {0} ⇒ 没有坐席 {0}
there is no audio file {0} in {1}/ ⇒ {1}/ 中没有音频文件 {0}
there is no date {0} ⇒ 没有日期 {0}
there is no file {0} ⇒ 没有文件 {0}
there is no slot type {0} ⇒ 没有槽位类型 {0}
there is no time zone {0} ⇒ 没有时区 {0}
the test {0} expects the flow {1}, which does not exist ⇒ 测试 {0} 期待流程 {1}，但没有这个流程
the test {0} expects the exit {1}, which no step has ⇒ 测试 {0} 期待出口 {1}，但没有步骤有这个出口
the test {0} sends the header {1}, which nothing reads ⇒ 测试 {0} 发送头域 {1}，但没有表达式读取它
read it: call.headers['{0}'] | default('') ⇒ 可这样读取：call.headers['{0}'] | default('')
{0} is no number to call from or to ⇒ {0} 不能作为主叫或被叫号码
for example "+49 30 123", or anonymous ⇒ 例如 "+49 30 123"，或 anonymous
a header stands here twice ⇒ 同一头域写了两次
write it once, its values joined by commas ⇒ 请只写一次，多个值用逗号连接
{0} is no name of a header ⇒ {0} 不是头域名
for example X-Customer or Diversion ⇒ 例如 X-Customer 或 Diversion
no dialplan can read the header {0} ⇒ 拨号方案不能读取头域 {0}
leave it out ⇒ 请删去
{0} is no header of a test ⇒ 测试的 headers 中不能写 {0}
write {0} beside headers ⇒ 请在 headers 之外写 {0}
the header {0} is written by the phone that calls ⇒ 头域 {0} 由主叫话机自己填写
X-..., Diversion and others that tell about the call can be sent ⇒ 可以发送 X-...、Diversion 等说明来电情况的头域
to speak several languages one after the other, write {all: [...]} ⇒ 如需依次用多种语言播放，请写 {all: [...]}
there is no flow {0} ⇒ 没有流程 {0}
there is no queue {0} ⇒ 没有队列 {0}
there is no intent {0} ⇒ 没有意图 {0}
there is no service {0} ⇒ 没有服务 {0}
there is no entry of hours {0} ⇒ 没有营业时间 {0}
there is no entry of hours ⇒ 没有营业时间
there is no {0} {1} ⇒ 没有{0} {1}
there is no {0} ⇒ 没有{0}
these hours are never open ⇒ 这段营业时间永不开放
these hours overlap ⇒ 这些时段重叠
this is no dialplan or configuration ⇒ 这不是拨号方案或配置
this version cannot fill the slot: {0} ⇒ 此版本无法填写该槽位：{0}
the prompt is spoken, then each slot is asked ⇒ 先播放 prompt，再逐个询问槽位
this version does not fill a form from one utterance ⇒ 此版本不能从一句话填写表单
callback does not say which queue calls back ⇒ callback 没有写明由哪个队列回拨
declare one under queues ⇒ 请在 queues 下声明一个
offer_callback needs the exit callback_booked ⇒ offer_callback 需要出口 callback_booked
put it there, or into a folder below ⇒ 请将它放到该目录或其子目录中
where does the call go on when one was booked? ⇒ 预约之后通话从哪里继续？
to say nothing, remove the step or the key ⇒ 如不需要播放，请删除该步骤或键
more than {0} files ⇒ 文件超过 {0} 个
true or false is expected, not {0} ⇒ 此处应为 true 或 false，而不是{0}
two handlers of {0} have the count {1} ⇒ {0} 有两个 count 为 {1} 的处理器
unknown key {0} ⇒ 未知的键 {0}
unknown step {0} ⇒ 未知的步骤 {0}
use letters, digits and _ ⇒ 请用字母、数字和 _
use menu where keys are offered ⇒ 需要按键时请用 menu
variables are call.X, slot.X, queue.X, transfer.X, var.X, error.X and saved results ⇒ 变量有 call.X、slot.X、queue.X、transfer.X、var.X、error.X 和保存的结果
where only a part of it is meant, ask for that part in a slot of its own ⇒ 如果只需要其中一部分，请用单独的槽位询问
while nobody answers, callers are led round from here for ever: {0} ⇒ 无人应答时，来电者会从此处开始无限循环：{0}
whoever gets the webhook could keep it: leave it out ⇒ 收到通知的系统可能会保存它：请不要发送
whoever says just this is led there: remove it, or make the other more exact ⇒ 只说这句话的人会被带到那里：请删除它，或把另一个写得更精确
within needs a flow ⇒ within 需要 flow
write from when to when: "8:30-20:00" ⇒ 请写明起止时间："8:30-20:00"
leave out the days that are closed ⇒ 请去掉不营业的那几天
write "2026-10-01", or "2026-10-01..2026-10-07" ⇒ 请写 "2026-10-01" 或 "2026-10-01..2026-10-07"
write "2026-11-24 10:00" ⇒ 请写 "2026-11-24 10:00"
write "{0}" in quotes ⇒ 请加引号写作 "{0}"
write "{0}" ⇒ 请写 "{0}"
write a value, or remove the key ⇒ 请写上值，或删除该键
write call.headers['NAME'] ⇒ 请写 call.headers['NAME']
write call.headers['{0}'] | default('') ⇒ 请写 call.headers['{0}'] | default('')
write it without so many aliases ⇒ 请减少别名
write mon, or mon-fri ⇒ 请写 mon 或 mon-fri
write return: {} ⇒ 请写 return: {}
write the keys out ⇒ 请把键逐个写出
write true or false: in YAML 1.2 yes, no, on and off are texts ⇒ 请写 true 或 false：在 YAML 1.2 中 yes、no、on、off 是文本
write {0} | default('...'), or set it on every path to here ⇒ 请写 {0} | default('...')，或在到达此处的每条路径上设置它
write {0}.NAME ⇒ 请写 {0}.名称
write {goto: {0}} ⇒ 请写 {goto: {0}}
write {{0}} ⇒ 请写 {{0}}
write {0}s or {1}ms ⇒ 请写 {0}s 或 {1}ms
write {0}: {} ⇒ 请写 {0}: {}
did you mean {0}? ⇒ 是不是想写 {0}？
{0} and {1} sound alike, of {2} ⇒ {0} 与 {1} 读音相近，分属 {2}
{0} belongs to the call and cannot be set ⇒ {0} 属于通话本身，不能设置
{0} belongs to the main file ⇒ {0} 只能写在主文件中
{0} cannot be keyed ⇒ {0} 不能按键输入
{0} cannot be set ⇒ {0} 不能设置
{0} cannot be used in expressions ⇒ {0} 不能用于表达式
while {0} does not answer, callers hear nothing for {1} s ⇒ {0} 没有应答时，来电者 {1} 秒内听不到任何声音
the call is answered at once, before its first step ⇒ 来电在第一个步骤之前已立即接听
add answer: by_step to hotline, or remove the step ⇒ 请在 hotline 中加上 answer: by_step，或删除该步骤
{0} cannot run while waiting ⇒ {0} 不能在等待时运行
{0} does not mean its own choice, {1}, but {2} ⇒ {0} 指的不是它自己的选项 {1}，而是 {2}
the prompt offers {0}, and whoever says just that is not understood so ⇒ 提示音提到 {0}，但只说这句话的人不会被理解为该选项
let a phrase of the intent {0} be met by it ⇒ 请让意图 {0} 的某个说法能匹配它
{0} ends before it begins ⇒ {0} 的结束早于开始
{0} has hours already ⇒ {0} 已有营业时间
{0} does not lie in the folder of the main file ⇒ {0} 不在主文件所在的目录中
{0} includes itself ⇒ {0} 包含了自身
{0} is included already ⇒ {0} 已经被包含过
{0} is a group of variables ⇒ {0} 是一组变量
{0} is a list, not {1} ⇒ {0} 应为列表，而不是{1}
{0} is a map, not {1} ⇒ {0} 应为映射，而不是{1}
{0} is an error here, and nothing handles it: the call ends with an apology ⇒ {0}在此处是错误，而且没有处理器：通话会在致歉后结束
{0} is expected, not {1} ⇒ 此处应为{0}，而不是{1}
{0} is no audio file ⇒ {0} 不是音频文件
{0} is no date and time ⇒ {0} 不是日期和时间
{0} is no date ⇒ {0} 不是日期
{0} is no duration ⇒ {0} 不是时长
{0} is no language of the hotline ⇒ {0} 不是热线的语言
{0} is no name ⇒ {0} 不是名称
{0} is no request ⇒ {0} 不是请求
{0} is no span of hours ⇒ {0} 不是时间段
{0} is no status ⇒ {0} 不是状态码
{0} is not known here ⇒ {0} 在此处不可用
{0} is not part of expressions: they know names, comparisons, and / or / not, filters, open() and next_open() ⇒ 表达式不支持{0}：可用名称、比较、and / or / not、过滤器、open() 和 next_open()
{0} is not raised by phrases or keys ⇒ {0} 不能由说法或按键触发
{0} is out of range ⇒ {0} 超出范围
{0} is read as different numbers by different programs ⇒ 不同程序会把 {0} 读成不同的数
{0} is sensitive and is sent with a notification ⇒ {0} 是敏感信息，却随通知发送
{0} is sensitive and is whispered to an agent ⇒ {0} 是敏感信息，却会对坐席耳语
{0} is sensitive and stands in a URL ⇒ {0} 是敏感信息，却出现在 URL 中
{0} is sensitive and stands in a number that is dialled ⇒ {0} 是敏感信息，却出现在所拨号码中
{0} is sensitive and stands in the header {1} ⇒ {0} 是敏感信息，却出现在头域 {1} 中
{0} is set from {1}, which is sensitive: it is kept secret as well ⇒ {0} 由敏感的 {1} 设置：它也会被保密
{0} may be unset here ⇒ {0} 在此处可能尚未设置
{0} may never get to a human or an end from here ⇒ {0}从此处开始可能永远无法转到人工或结束通话
{0} names no days ⇒ {0} 不是星期
{0} needs up to {1} seconds to a human or an end ⇒ {0}最多需要 {1} 秒才能转到人工或结束通话
{0} never gets to a human or an end from here ⇒ {0}从此处开始永远无法转到人工或结束通话
{0} raises {1} events on the way to a human: the call ends after {2} ⇒ {0}在转到人工之前会触发 {1} 次事件：通话在 {2} 次后结束
{0} stands where a name belongs ⇒ 此处应为名称，却是{0}
{0}('NAME') takes the name of an entry of hours, in quotes ⇒ {0}('名称') 需要加引号的营业时间名称
{0}, or detect ⇒ {0}，或 detect
{0}: {1} stands in {2} already ⇒ {0}：{1} 已出现在 {2}
{0}s to {1}s is possible ⇒ 可以是 {0}s 到 {1}s
it looks like UTF-16: save it as UTF-8 ⇒ 看起来是 UTF-16：请另存为 UTF-8
it looks like GB18030 or GBK: save it as UTF-8 ⇒ 看起来是 GB18030 或 GBK：请另存为 UTF-8
{0}save it as UTF-8 ⇒ {0}请另存为 UTF-8
{0} of a queue ⇒ 队列的 {0}
{0} is possible ⇒ 可以是 {0}
{0} are ⇒ 可以是 {0}
a map ⇒ 映射
a list ⇒ 列表
a number ⇒ 数字
a whole number ⇒ 整数
a duration ⇒ 时长
an expression ⇒ 表达式
text ⇒ 文本
true or false ⇒ true 或 false
flow ⇒ 流程
queue ⇒ 队列
intent ⇒ 意图
service ⇒ 服务
a caller who stays silent ⇒ 一直沉默的来电者
a caller whom nobody understands ⇒ 口齿不清的来电者
a caller who only has keys ⇒ 只能按键的来电者
the last of max_attempts ⇒ 用尽 max_attempts
a request that fails ⇒ 请求失败
the exit {0} ⇒ 出口 {0}
{0} and {1} ⇒ {0} 和 {1}
at least {0} ⇒ 至少 {0}
{0} to {1} ⇒ {0} 到 {1}
no arguments ⇒ 无参数
the phrase matches silence: at least one word must stand outside [ ] ⇒ 该说法会匹配沉默：[ ] 之外至少要有一个词
no words ⇒ 没有词语
an alternative is empty; write [x] for what may be left out ⇒ 有一个选择为空；可省略的部分请写作 [x]
`{0}` closes nothing ⇒ `{0}` 没有对应的左括号
`{0}` is never closed ⇒ `{0}` 没有闭合
`{0}` has no meaning in a phrase ⇒ `{0}` 在说法中没有意义
a phrase has at most {0} characters ⇒ 说法最多 {0} 个字符
more than {0} brackets within each other ⇒ 括号嵌套超过 {0} 层
`length` must be a positive number, or two of them, the smaller first ⇒ `length` 应为正数，或两个数，较小的在前
`range` must hold the smaller value first ⇒ `range` 中较小的值应在前
`range` means nothing to this type ⇒ `range` 对此类型没有意义
`range` must hold two numbers ⇒ `range` 应为两个数
`range` must hold two quoted ISO texts ⇒ `range` 应为两个加引号的 ISO 文本
`values` must name at least one value ⇒ `values` 至少要有一个取值
key `{0}` stands for `{1}`, which is none of `values` ⇒ 按键 `{0}` 代表 `{1}`，但它不在 `values` 中
unknown filter {0}: {1} ⇒ 未知的过滤器 {0}：{1}
unknown filter {0} ⇒ 未知的过滤器 {0}
it knows English only ⇒ 它只识别英语
models/ holds no vosk model for it ⇒ models/ 中没有该语言的 vosk 模型
no recogniser for {0}: its callers are led by keys. To let them speak, put a vosk model for {1} into {2} (models/README.md) ⇒ 没有 {0} 的语音识别：来电者只能按键操作。如需语音，请将 {1} 的 vosk 模型放入 {2}（见 models/README.md）
speech.asr.{0}: {1} cannot recognise {2} here: {3} ⇒ speech.asr.{0}：{1} 在此无法识别 {2}：{3}
the voice engine {0} is not installed; there are: {1} ⇒ 没有安装语音合成引擎 {0}；现有：{1}
unpack a model from https://alphacephei.com/vosk/models there, or remove the folder ⇒ 请将 https://alphacephei.com/vosk/models 中的模型解压到该处，或删除该目录
{0} has no decoding graph (graph/HCLr.fst or graph/HCLG.fst); {1} ⇒ {0} 没有解码图（graph/HCLr.fst 或 graph/HCLG.fst）；{1}
{0} is damaged; {1} ⇒ {0} 已损坏；{1}
{0} is no complete vosk model, {1} missing; {2} ⇒ {0} 不是完整的 vosk 模型，缺少 {1}；{2}
{0} is not a folder; {1} ⇒ {0} 不是目录；{1}
"""
